import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a Java side of the comparison says and hears: "ready" when it may begin, "begin" when it is to, "end" when all results were seen. It counts its own
 * processor time from its first record on, and from the middle of the input on, when what is hot has been compiled.
 */
public final class Side {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final AtomicLong READ = new AtomicLong();
    private static final int STEP = 1000;
    private static volatile Moment first;
    private static volatile Moment middle;
    private static long half;

    private record Moment(long cpuNs, long ns, long records) {
        static Moment now(long records) {
            return new Moment(SYSTEM.getProcessCpuTime(), System.nanoTime(), records);
        }
    }

    private Side() {}

    /** Counts the records of one reader; one per thread, as it is not synchronized but every thousandth time. */
    public static final class Counter {
        private int own;

        public void count() {
            if (own == 0 && first == null) begin();
            own += 1;
            if (own % STEP != 0) return;
            long all = READ.addAndGet(STEP);
            if (middle == null && all >= half) reachMiddle(all);
        }
    }

    private static synchronized void begin() {
        if (first == null) first = Moment.now(0);
    }

    private static synchronized void reachMiddle(long records) {
        if (middle == null) middle = Moment.now(records);
    }

    /** Waits to be told to begin. */
    public static BufferedReader awaitBegin(long records) throws IOException {
        half = records / 2;
        BufferedReader told = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ready");
        expect(told, "begin");
        return told;
    }

    /** Waits to be told to end, says what was taken, and ends the process. What is under way is cut off. */
    public static void end(BufferedReader told) throws IOException {
        expect(told, "end");
        Moment last = Moment.now(READ.get());
        System.out.printf(
                "{\"cpuSeconds\":%.3f,\"warmCpuSeconds\":%.3f,\"warmFromRecord\":%d,\"rssBytes\":%d}%n",
                (last.cpuNs - first.cpuNs) / 1e9,
                (last.cpuNs - middle.cpuNs) / 1e9,
                middle.records,
                peakBytes());
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static void expect(BufferedReader told, String word) throws IOException {
        String line = told.readLine();
        // Whoever started this is gone.
        if (line == null || !line.equals(word)) Runtime.getRuntime().halt(1);
    }

    /** As Linux counts it; 0 elsewhere. */
    private static long peakBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) return 0;
        for (String line : Files.readAllLines(status))
            if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        return 0;
    }
}
