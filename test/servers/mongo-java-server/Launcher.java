import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerException;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.h2.mvstore.MVMap;
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
        protected MongoDatabase openOrCreateDatabase(String name) throws MongoServerException {
            return new IndexedDatabase(name);
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

        // An inner class: it opens its collections before it has fields of its own.
        private final class IndexedDatabase extends H2Database {
            IndexedDatabase(String name) {
                super(name, getMvStore(), getCursorRegistry());
            }

            @Override
            protected MongoCollection<Object> openOrCreateCollection(String name, CollectionOptions options) {
                String namespace = getFullCollectionNamespace(name);
                MVMap<Object, Document> data = getMvStore().openMap("databases." + namespace);
                MVMap<String, Object> meta = getMvStore().openMap("meta." + namespace);
                return new IndexedCollection(this, name, options, data, meta, cursorRegistry);
            }
        }
    }

    /** Finds documents by _id where other fields are asked for, too, as MongoDB does: H2Collection looks at each. */
    private static final class IndexedCollection extends H2Collection {
        private final MVMap<Object, Document> data;

        IndexedCollection(MongoDatabase database, String name, CollectionOptions options,
                MVMap<Object, Document> data, MVMap<String, Object> meta, CursorRegistry cursors) {
            super(database, name, options, data, meta, cursors);
            this.data = data;
        }

        @Override
        protected QueryResult matchDocuments(Document query, Document order, int skip, int limit, int batchSize,
                Document fields) {
            Stream<Document> candidates = candidates(query.get("_id"));
            if (candidates == null) return super.matchDocuments(query, order, skip, limit, batchSize, fields);
            return matchDocumentsFromStream(candidates, query, order, skip, limit, batchSize, fields);
        }

        private Stream<Document> candidates(Object id) {
            if (id instanceof String) return Stream.of(id).map(data::get).filter(Objects::nonNull);
            if (!(id instanceof Document)) return null;
            Document by = (Document) id;
            if (by.get("$in") instanceof Collection) {
                Collection<?> ids = (Collection<?>) by.get("$in");
                if (!ids.stream().allMatch(String.class::isInstance)) return null;
                return ids.stream().distinct().map(data::get).filter(Objects::nonNull);
            }
            if (!(by.get("$gte") instanceof String)) return null;
            String end = by.get("$lt") instanceof String ? (String) by.get("$lt") : null;
            Iterable<Object> keys = () -> data.keyIterator(by.get("$gte"));
            return StreamSupport.stream(keys.spliterator(), false)
                .takeWhile(key -> key instanceof String && (end == null || ((String) key).compareTo(end) < 0))
                .map(data::get).filter(Objects::nonNull);
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
