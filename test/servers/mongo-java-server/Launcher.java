import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.h2.mvstore.MVStore;

/** mongo-java-server on a file, as a MongoDB 6.0 that drivers of today connect to. Arguments: port, file. */
public final class Launcher {
    private static final Set<String> READS = Set.of(
        "find", "getMore", "aggregate", "count", "distinct", "isMaster", "ismaster", "hello", "ping", "buildInfo",
        "listCollections", "listIndexes", "listDatabases", "serverStatus", "killCursors", "endSessions");

    public static void main(String[] arguments) {
        // Nothing is committed but by us, so that the file always ends with a whole command.
        MVStore store = new MVStore.Builder().fileName(arguments[1]).autoCommitDisabled().open();
        MongoServer server = new MongoServer(new DurableBackend(store));
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        System.out.println("Ready.");
    }

    /** Answers a write when the file has it, as journaled: SIGKILL takes nothing that was acknowledged. */
    private static final class DurableBackend extends H2Backend {
        private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);

        DurableBackend(MVStore store) {
            super(store);
            version(new Version());
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            boolean isRead = READS.contains(message.getDocument().keySet().iterator().next());
            var mine = isRead ? lock.readLock() : lock.writeLock();
            mine.lock();
            try {
                Document answer = super.handleMessage(message);
                if (!isRead) commit();
                return answer;
            } finally {
                mine.unlock();
            }
        }
    }

    private static final class Version implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(6, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 17;
        }

        @Override
        public String toVersionString() {
            return "6.0.0";
        }
    }
}
