import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.*;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.Properties;

/** MariaDB Connector/J as applications use it. Arguments: host, port, database. */
public class Client {
    static String digest(byte[] b) throws Exception {
        StringBuilder s = new StringBuilder();
        for (byte x : MessageDigest.getInstance("SHA-256").digest(b)) s.append(String.format("%02x", x));
        return b.length + " bytes " + s.substring(0, 16);
    }

    static String text(Object v) throws Exception {
        if (v == null) return "NULL";
        if (v instanceof Blob) {
            Blob b = (Blob) v;
            v = b.getBytes(1, (int) b.length());
        }
        if (v instanceof byte[]) return ((byte[]) v).length > 100 ? digest((byte[]) v) : "bytes " + Arrays.toString((byte[]) v);
        if (v instanceof String && ((String) v).length() > 300) return digest(((String) v).getBytes(StandardCharsets.UTF_8));
        return v.getClass().getSimpleName() + " " + v;
    }

    static void show(Object... what) throws Exception {
        StringBuilder s = new StringBuilder();
        for (Object w : what) s.append(s.length() > 0 ? " | " : "").append(w instanceof String ? w : text(w));
        System.out.println(s.toString().replace("\n", "\\n").replace("\r", "\\r"));
    }

    static void rows(ResultSet r, String... leaveOut) throws Exception {
        ResultSetMetaData m = r.getMetaData();
        for (int i = 1; i <= m.getColumnCount(); i++)
            show("  column", m.getColumnLabel(i), m.getColumnName(i), m.getTableName(i), m.getCatalogName(i), m.getColumnType(i), m.getColumnTypeName(i), m.getColumnClassName(i), m.getPrecision(i),
                m.getScale(i), m.getColumnDisplaySize(i), m.isNullable(i), m.isAutoIncrement(i), m.isSigned(i));
        while (r.next()) {
            StringBuilder s = new StringBuilder("  ");
            for (int i = 1; i <= m.getColumnCount(); i++)
                if (!Arrays.asList(leaveOut).contains(m.getColumnLabel(i))) s.append(" | ").append(text(r.getObject(i)));
            show(s.toString());
        }
        r.close();
    }

    static void query(Statement s, String sql) throws Exception {
        show("> " + sql);
        try {
            boolean set = s.execute(sql);
            while (true) {
                if (set) rows(s.getResultSet());
                else if (s.getUpdateCount() == -1) break;
                else show("  updated", s.getUpdateCount());
                set = s.getMoreResults();
                if (!set && s.getUpdateCount() == -1) break;
            }
        } catch (SQLException e) {
            error("  error", e);
        }
        for (SQLWarning w = s.getWarnings(); w != null; w = w.getNextWarning()) show("  warning", w.getErrorCode(), w.getMessage());
    }

    static void error(String what, SQLException e) throws Exception {
        show(what, e.getClass().getSimpleName(), e.getErrorCode(), e.getSQLState(), e.getMessage().replaceAll("\\(conn=\\d+\\)", "(conn)").replaceAll("\\(port=\\d+\\)", "(port)"));
    }

    static void keys(Statement s) throws Exception {
        try (ResultSet r = s.getGeneratedKeys()) {
            StringBuilder all = new StringBuilder("  keys");
            while (r.next()) all.append(" ").append(r.getLong(1));
            show(all.toString());
        }
    }

    static void types(Connection c, Statement s) throws Exception {
        query(s, "CREATE TABLE typed (id INT AUTO_INCREMENT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, d DECIMAL(30,10), f DOUBLE, fl FLOAT, s VARCHAR(200), b BLOB, dt DATETIME(6), ts TIMESTAMP(3) NULL, "
            + "day DATE, tm TIME(3), y YEAR, j JSON, e ENUM('x','ü'), st SET('a','b'), bits BIT(12), bool BOOLEAN, c CHAR(5), txt LONGTEXT)");
        try (PreparedStatement p = c.prepareStatement("INSERT INTO typed (i, u, d, f, fl, s, b, dt, ts, day, tm, y, j, e, st, bits, bool, c, txt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                Statement.RETURN_GENERATED_KEYS)) {
            p.setLong(1, Long.MIN_VALUE);
            p.setBigDecimal(2, new BigDecimal("18446744073709551615"));
            p.setBigDecimal(3, new BigDecimal("12345678901234567890.0123456789"));
            p.setDouble(4, 1.5e-300);
            p.setFloat(5, 0.1f);
            p.setString(6, "it's \\ \"q\" ? 😀");
            p.setBytes(7, new byte[] {0, -1, 39, 26});
            p.setTimestamp(8, Timestamp.valueOf("2024-02-29 23:59:59.123456"));
            p.setObject(9, LocalDateTime.of(2024, 2, 29, 23, 59, 59, 125000000));
            p.setDate(10, Date.valueOf("1000-01-01"));
            p.setTime(11, Time.valueOf("12:30:01"));
            p.setShort(12, (short) 2024);
            p.setString(13, "{\"a\": [1, null]}");
            p.setString(14, "ü");
            p.setString(15, "a,b");
            p.setBytes(16, new byte[] {15, -1});
            p.setBoolean(17, true);
            p.setString(18, "c");
            p.setCharacterStream(19, new java.io.StringReader("日本語".repeat(1000)));
            show("inserted", p.executeUpdate());
            keys(p);
            for (int i = 1; i <= 19; i++) p.setNull(i, Types.NULL);
            show("inserted", p.executeUpdate());
            keys(p);
            for (int i = 1; i <= 19; i++) p.setObject(i, i == 8 || i == 9 ? "2020-01-01 00:00:00" : i == 10 ? "9999-12-31" : i == 11 ? "00:00:00" : i == 12 ? "1901" : i == 13 ? "[]" : i == 14 ? "x" : i == 16 ? 5 : i > 5 && i != 17 ? "" : 0);
            show("inserted", p.executeUpdate());
            keys(p);
        }
        query(s, "SELECT * FROM typed ORDER BY id");
        try (PreparedStatement p = c.prepareStatement("SELECT * FROM typed WHERE id < ? ORDER BY id")) {
            p.setInt(1, 10);
            rows(p.executeQuery());
        }
        try (PreparedStatement p = c.prepareStatement("SELECT id FROM typed WHERE dt = ? OR s = ? OR b = ? ORDER BY id")) {
            show("parameters", p.getParameterMetaData().getParameterCount());
            p.setTimestamp(1, Timestamp.valueOf("2024-02-29 23:59:59.123456"));
            p.setString(2, "");
            p.setBinaryStream(3, new ByteArrayInputStream(new byte[] {0, -1, 39, 26}));
            rows(p.executeQuery());
        }
    }

    static void work(Connection c, Statement s) throws Exception {
        query(s, "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, v VARCHAR(20), n INT NOT NULL DEFAULT 0, KEY byk (k, v))");
        try (PreparedStatement p = c.prepareStatement("INSERT INTO t (k, v) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int i = 0; i < 20; i++) {
                p.setInt(1, i % 7);
                p.setString(2, "v" + i);
                p.addBatch();
            }
            show("batch", Arrays.toString(p.executeBatch()));
            keys(p);
            for (int i = 0; i < 3; i++) {
                p.setInt(1, i);
                p.setNull(2, Types.VARCHAR);
                show("one", p.executeUpdate());
                keys(p);
            }
        }
        try (PreparedStatement p = c.prepareStatement("UPDATE t SET n = n + ? WHERE id = ?")) {
            for (int id = 1; id < 30; id += 4) {
                p.setInt(1, id);
                p.setInt(2, id);
                p.addBatch();
            }
            show("batch", Arrays.toString(p.executeBatch()));
        }
        try (PreparedStatement p = c.prepareStatement("INSERT INTO t (id, k) VALUES (?, 1)")) {
            for (int id : new int[] {1001, 1, 1002}) {
                p.setInt(1, id);
                p.addBatch();
            }
            p.executeBatch();
            show("no error");
        } catch (BatchUpdateException e) {
            error("batch", e);
        }
        query(s, "SELECT COUNT(*), SUM(n), MAX(id) FROM t WHERE id < 1000");
        s.addBatch("INSERT INTO t (id, k) VALUES (2000, 1)");
        s.addBatch("UPDATE t SET n = 5 WHERE id >= 2000");
        s.addBatch("DELETE FROM t WHERE id >= 1000");
        show("batch", Arrays.toString(s.executeBatch()));
        s.clearBatch();
        try (PreparedStatement p = c.prepareStatement("SELECT v, n FROM t WHERE id = ?")) {
            for (int id = 0; id < 30; id += 5) {
                p.setInt(1, id);
                rows(p.executeQuery());
            }
        }
        try (PreparedStatement p = c.prepareStatement("SELECT k, COUNT(*) n, SUM(id), AVG(n) FROM t GROUP BY k HAVING COUNT(*) > ? ORDER BY k DESC LIMIT ?")) {
            p.setInt(1, 1);
            p.setInt(2, 4);
            rows(p.executeQuery());
        }
        for (boolean commit : new boolean[] {false, true}) {
            c.setAutoCommit(false);
            c.setTransactionIsolation(commit ? Connection.TRANSACTION_READ_COMMITTED : Connection.TRANSACTION_REPEATABLE_READ);
            show("isolation", c.getTransactionIsolation(), c.getAutoCommit());
            show(s.executeUpdate("UPDATE t SET k = k + 100 WHERE id IN (1, 2, 3, 4, 5)"));
            Savepoint half = c.setSavepoint("half");
            show(s.executeUpdate("DELETE FROM t WHERE id < 10"));
            c.rollback(half);
            query(s, "INSERT INTO t (id, k) VALUES (1, 1)");
            query(s, "SELECT id, k FROM t WHERE id < 8 ORDER BY id");
            if (commit) c.commit();
            else c.rollback();
            c.setAutoCommit(true);
            query(s, "SELECT id, k FROM t WHERE id < 8 ORDER BY id");
        }
        c.setReadOnly(true);
        query(s, "INSERT INTO t (k) VALUES (1)");
        c.setReadOnly(false);
        query(s, "DELETE FROM t WHERE id > 23");

        query(s, "SELECT 1 one; INSERT INTO t (id, k) VALUES (600, 5); SELECT id, k FROM t WHERE id < 3 ORDER BY id; SELECT * FROM nowhere; SELECT 2");
        query(s, "SELECT nothing FROM t");
        query(s, "SELEKT 1");
        query(s, "INSERT INTO t (k) VALUES (NULL)");
        query(s, "INSERT INTO t (k, v) VALUES (1, REPEAT('x', 30))");
        query(s, "INSERT INTO typed (day) VALUES ('2023-02-29')");
        query(s, "INSERT IGNORE INTO t (id, k) VALUES (1, 1), (500, 'x')");
        try (PreparedStatement p = c.prepareStatement("SELECT * FROM nowhere WHERE id = ?")) {
            p.setInt(1, 1);
            rows(p.executeQuery());
        } catch (SQLException e) {
            error("prepared", e);
        }

        try (Statement u = c.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
            u.setFetchSize(5);
            u.setMaxRows(17);
            int n = 0;
            for (ResultSet r = u.executeQuery("SELECT id FROM t ORDER BY k, id"); r.next(); n++) if (n < 3) show(r.getLong(1));
            show("streamed", n);
        }
        try (Statement u = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet r = u.executeQuery("SELECT id, k, v FROM t WHERE id < 4 ORDER BY id");
            r.last();
            r.updateString("v", "updated");
            r.updateRow();
            r.absolute(1);
            show(r.getString("v"), r.isFirst());
        }
        query(s, "SELECT id, v FROM t WHERE id = 3");
        s.setQueryTimeout(1);
        query(s, "SELECT SLEEP(30)");
        s.setQueryTimeout(0);

        query(s, "CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, s LONGTEXT)");
        byte[] big = new byte[6 << 20];
        for (int i = 0; i < big.length; i++) big[i] = (byte) (i * i >> 7);
        try (PreparedStatement p = c.prepareStatement("INSERT INTO large VALUES (?, ?, ?)")) {
            p.setInt(1, 1);
            p.setBytes(2, big);
            p.setString(3, "ü😀'".repeat(200000));
            show(p.executeUpdate());
        }
        query(s, "SELECT *, MD5(b) FROM large");
    }

    static void metadata(Connection c, Statement s) throws Exception {
        query(s, "CREATE TABLE parent (a INT NOT NULL, b VARCHAR(10) NOT NULL DEFAULT 'x' COMMENT 'of b', c DECIMAL(10,2) UNSIGNED, PRIMARY KEY (a, b)) COMMENT='first'");
        query(s, "CREATE TABLE child (a INT NOT NULL, b VARCHAR(10) NOT NULL, no INT NOT NULL, up VARCHAR(20) AS (UPPER(b)), PRIMARY KEY (a, b, no), "
            + "CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE CASCADE /*!999999 , SHARD KEY (a, b) */)");
        DatabaseMetaData m = c.getMetaData();
        String db = c.getCatalog();
        show(m.getDatabaseProductName(), m.getDatabaseProductVersion(), m.getDriverName(), db, m.supportsTransactions(), m.getDefaultTransactionIsolation());
        String[] estimates = {"CARDINALITY", "PAGES"};
        show("getTables");
        rows(m.getTables(db, null, "%", new String[] {"TABLE", "VIEW"}));
        show("getColumns");
        rows(m.getColumns(db, null, "%", "%"));
        for (String table : new String[] {"parent", "child", "t"}) {
            show("getPrimaryKeys", table);
            rows(m.getPrimaryKeys(db, null, table));
            show("getIndexInfo", table);
            rows(m.getIndexInfo(db, null, table, false, true), estimates);
            show("getImportedKeys", table);
            rows(m.getImportedKeys(db, null, table));
            show("getExportedKeys", table);
            rows(m.getExportedKeys(db, null, table));
            show("getBestRowIdentifier", table);
            rows(m.getBestRowIdentifier(db, null, table, DatabaseMetaData.bestRowSession, true));
        }
        show("getCrossReference");
        rows(m.getCrossReference(db, null, "parent", db, null, "child"));
        show("getTableTypes");
        rows(m.getTableTypes());
        show("getProcedures");
        rows(m.getProcedures(db, null, "%"));
        rows(m.getFunctions(db, null, "%"));
        rows(m.getTablePrivileges(db, null, "t"));
        boolean found = false;
        for (ResultSet r = m.getCatalogs(); r.next();) found |= r.getString(1).equals(db);
        show("getCatalogs", found);
        show("getTypeInfo");
        rows(m.getTypeInfo());
        query(s, "INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2)");
        query(s, "INSERT INTO child (a, b, no) VALUES (1, 'a', 1), (2, 'b', 1)");
        query(s, "INSERT INTO child (a, b, no) VALUES (3, 'c', 1)");
        query(s, "DELETE FROM parent WHERE a = 1");
        query(s, "SELECT * FROM child");
        query(s, "DROP TABLE child, parent, large, typed, t");
    }

    public static void main(String[] args) throws Exception {
        System.setOut(new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, "UTF-8"));
        java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("UTC"));
        String url = "jdbc:mariadb://" + args[0] + ":" + args[1] + "/" + args[2];
        for (String prepared : new String[] {"false", "true"}) {
            Properties p = new Properties();
            p.setProperty("user", "root");
            p.setProperty("useServerPrepStmts", prepared);
            p.setProperty("allowMultiQueries", "true");
            p.setProperty("rewriteBatchedStatements", prepared.equals("true") ? "false" : "true");
            try (Connection c = DriverManager.getConnection(url, p); Statement s = c.createStatement()) {
                show("useServerPrepStmts", prepared, c.isValid(5));
                types(c, s);
                work(c, s);
                metadata(c, s);
            }
        }
        try {
            DriverManager.getConnection(url, "nobody", "x");
        } catch (SQLException e) {
            error("login", e);
        }
        System.out.println("end of the program");
    }
}
