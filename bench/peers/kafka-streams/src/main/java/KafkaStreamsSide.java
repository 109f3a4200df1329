import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts page views per user in windows. A task of Kafka Streams knows the time of its own input alone and drops what its grace period has passed, so windows are
 * never closed: each commit gives the counts that changed since the last one, as is usual there, and the last of each is the result.
 */
public final class KafkaStreamsSide {
    private static final Duration WINDOW = Duration.ofSeconds(5);
    private static final Duration GRACE = Duration.ofDays(2);

    private KafkaStreamsSide() {}

    /** Arguments: bootstrap servers, input topic, output topic, records, exactly_once_v2 or at_least_once, milliseconds between commits, folder. */
    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[2]);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, args[4]);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[5]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, args[6]);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L * 1024 * 1024);
        settings.put("auto.offset.reset", "earliest");

        StreamsBuilder builder = new StreamsBuilder();
        Serde<String> text = Serdes.String();
        builder.stream(args[1], Consumed.with(Serdes.ByteArray(), Serdes.serdeFrom(text.serializer(), new Users())))
                // The closing records stand for the end of time, which nobody waits for here.
                .filter((key, user) -> !user.equals("closing"))
                .map((key, user) -> KeyValue.pair(user, ""))
                .groupByKey(Grouped.with(text, text))
                .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
                .count(Materialized.<String, Long>as(
                                Stores.inMemoryWindowStore("counts", GRACE.plus(WINDOW), WINDOW, false))
                        .withKeySerde(text)
                        .withValueSerde(Serdes.Long()))
                .toStream()
                .map((windowed, count) -> KeyValue.pair(
                        windowed.key(), encode(windowed.key(), count, windowed.window().start())))
                .to(args[2], Produced.with(text, Serdes.ByteArray()));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        BufferedReader told = Side.awaitBegin(Long.parseLong(args[3]));
        streams.start();
        Side.end(told);
    }

    private static byte[] encode(String user, long count, long startMs) {
        return ("{\"user\":\"" + user + "\",\"count\":" + count + ",\"startMs\":" + startMs + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** The user of a view: nothing else of it crosses the repartition topic. */
    private static final class Users implements Deserializer<String> {
        private final ObjectReader reader = new ObjectMapper().readerFor(PageView.class);
        // All threads share this deserializer.
        private final ThreadLocal<Side.Counter> counter = ThreadLocal.withInitial(Side.Counter::new);

        @Override
        public String deserialize(String topic, byte[] value) {
            counter.get().count();
            try {
                return reader.<PageView>readValue(value).user;
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
