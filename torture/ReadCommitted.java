// Reads topics to their end with Apache Kafka's own consumer and read_committed: a line for each record, its parts separated by tabs, bytes in base64.
// Run as `java -cp 'jars/*' ReadCommitted.java host:port topic…`.

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class ReadCommitted {
  /** Nothing new for so long, and not at the end: a transaction stays open, or Kafka does not answer. */
  static final long SILENCE_MS_MAX = 45_000;

  public static void main(String[] args) throws Exception {
    List<TopicPartition> partitions = new ArrayList<>();
    Map<TopicPartition, Long> ends;
    // Without read_committed the end is that of the topic, open transactions included: the reader has to get there.
    try (KafkaConsumer<byte[], byte[]> plain = consumer(args[0], "read_uncommitted")) {
      for (int i = 1; i < args.length; i++)
        for (var info : plain.partitionsFor(args[i])) partitions.add(new TopicPartition(info.topic(), info.partition()));
      ends = plain.endOffsets(partitions);
    }
    PrintStream out = new PrintStream(System.out, false, "ISO-8859-1");
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(args[0], "read_committed")) {
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long movedAt = System.currentTimeMillis();
      long before = -1;
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) print(out, record);
        long sum = 0;
        boolean isAtEnd = true;
        for (TopicPartition partition : partitions) {
          long position = consumer.position(partition);
          sum += position;
          isAtEnd &= position >= ends.get(partition);
        }
        if (isAtEnd) break;
        if (sum != before) movedAt = System.currentTimeMillis();
        before = sum;
        if (System.currentTimeMillis() - movedAt > SILENCE_MS_MAX)
          throw new IllegalStateException("The consumer does not get to the end: is a transaction still open?");
      }
    }
    out.flush();
  }

  static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, String isolation) {
    return new KafkaConsumer<>(
        Map.of("bootstrap.servers", bootstrap, "isolation.level", isolation, "enable.auto.commit", "false"),
        new ByteArrayDeserializer(),
        new ByteArrayDeserializer());
  }

  static void print(PrintStream out, ConsumerRecord<byte[], byte[]> record) {
    Header id = record.headers().lastHeader("millrace-id");
    out.print(record.topic() + "\t" + record.partition() + "\t" + record.offset() + "\t" + record.timestamp() + "\t"
        + base64(record.key()) + "\t" + base64(record.value()) + "\t" + base64(id == null ? null : id.value()) + "\n");
  }

  static String base64(byte[] bytes) {
    return bytes == null ? "" : Base64.getEncoder().encodeToString(bytes);
  }
}
