import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Counts page views per user in windows, as the documentation of Flink writes it, in a cluster inside this process. */
public final class FlinkSide {
    private FlinkSide() {}

    /** Arguments: bootstrap servers, input topic, output topic, records, exactly-once or at-least-once, milliseconds between checkpoints. */
    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        long records = Long.parseLong(args[3]);
        boolean exactlyOnce = args[4].equals("exactly-once");
        Configuration settings = new Configuration();
        settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(Long.parseLong(args[5])));
        settings.set(
                CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE,
                exactlyOnce ? CheckpointingMode.EXACTLY_ONCE : CheckpointingMode.AT_LEAST_ONCE);
        settings.set(RestOptions.BIND_PORT, "0");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2, settings);
        // No copies between operators of a chain: nothing here changes what it was given.
        env.getConfig().enableObjectReuse();

        KafkaSource<String> source = KafkaSource.<String>builder()
                .setBootstrapServers(bootstrap)
                .setTopics(args[1])
                .setGroupId(args[2])
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(KafkaRecordDeserializationSchema.valueOnly(new Users()))
                .build();
        var sink = KafkaSink.<Count>builder()
                .setBootstrapServers(bootstrap)
                .setRecordSerializer(KafkaRecordSerializationSchema.<Count>builder()
                        .setTopic(args[2])
                        .setKeySerializationSchema(new Key())
                        .setValueSerializationSchema(new Value())
                        .build())
                .setDeliveryGuarantee(exactlyOnce ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE)
                .setProperty("transaction.timeout.ms", "600000");
        if (exactlyOnce) sink.setTransactionalIdPrefix(args[2]);

        env.fromSource(source, WatermarkStrategy.forBoundedOutOfOrderness(Duration.ofSeconds(1)), "views")
                .keyBy(user -> user)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(5)))
                .aggregate(new CountAll(), new WithWindow())
                .returns(TypeInformation.of(Count.class))
                .sinkTo(sink.build());

        BufferedReader told = Side.awaitBegin(records);
        env.executeAsync("count-views");
        Side.end(told);
    }

    public static class Count {
        public String user;
        public long count;
        public long startMs;
    }

    private static final class Key implements SerializationSchema<Count> {
        @Override
        public byte[] serialize(Count count) {
            return count.user.getBytes(StandardCharsets.UTF_8);
        }
    }

    private static final class Value implements SerializationSchema<Count> {
        @Override
        public byte[] serialize(Count count) {
            return ("{\"user\":\"" + count.user + "\",\"count\":" + count.count + ",\"startMs\":" + count.startMs + "}")
                    .getBytes(StandardCharsets.UTF_8);
        }
    }

    /** The user of a view: nothing else of it crosses the shuffle. */
    private static final class Users extends AbstractDeserializationSchema<String> {
        private transient ObjectReader reader;
        private transient Side.Counter counter;

        Users() {
            super(Types.STRING);
        }

        @Override
        public void open(InitializationContext context) {
            reader = new ObjectMapper().readerFor(PageView.class);
            counter = new Side.Counter();
        }

        @Override
        public String deserialize(byte[] value) throws IOException {
            counter.count();
            return reader.<PageView>readValue(value).user;
        }
    }

    private static final class CountAll implements AggregateFunction<String, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 0L;
        }

        @Override
        public Long add(String user, Long count) {
            return count + 1;
        }

        @Override
        public Long getResult(Long count) {
            return count;
        }

        @Override
        public Long merge(Long a, Long b) {
            return a + b;
        }
    }

    private static final class WithWindow extends ProcessWindowFunction<Long, Count, String, TimeWindow> {
        @Override
        public void process(String user, Context context, Iterable<Long> counts, Collector<Count> out) {
            Count result = new Count();
            result.user = user;
            result.count = counts.iterator().next();
            result.startMs = context.window().getStart();
            out.collect(result);
        }
    }
}
