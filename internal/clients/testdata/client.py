"""PyMySQL as applications use it. Arguments: host, port, database."""

import datetime
import decimal
import hashlib
import sys

import pymysql
import pymysql.cursors
from pymysql.constants import CLIENT

host, port, database = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def connect(**more):
    return pymysql.connect(host=host, port=port, user="root", database=database, charset="utf8mb4", **more)


def show(*what):
    print(*[ascii(w) for w in what])


def refused(what, run):
    try:
        run()
        show(what, "no error")
    except pymysql.Error as e:
        args = tuple(a.split(" ([Errno")[0] if isinstance(a, str) else a for a in e.args)  # a connection that ends is reset, or not, as it happens
        show(what, type(e).__name__, args)


db = connect(client_flag=CLIENT.MULTI_STATEMENTS, local_infile=True)
show(db.get_server_info(), db.get_proto_info(), db.character_set_name(), db.get_autocommit(), db.open, db.ping())
c = db.cursor()

# Types both ways.
c.execute("""CREATE TABLE typed (
  id INT AUTO_INCREMENT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, d DECIMAL(30,10), f DOUBLE, s VARCHAR(200), b BLOB, dt DATETIME(6), day DATE, tm TIME(6), y YEAR, j JSON, e ENUM('x','ü'),
  st SET('a','b'), bits BIT(12), g POINT)""")
columns = "i, u, d, f, s, b, dt, day, tm, y, j, e, st, bits"
rows = [
    (-(2**63), 2**64 - 1, decimal.Decimal("12345678901234567890.0123456789"), 1.5e-300, "it's \\ \"q\" \n 100% %s 😀", b"\x00\xff'\\\x1a", datetime.datetime(2024, 2, 29, 23, 59, 59, 123456),
     datetime.date(1000, 1, 1), datetime.timedelta(hours=-30, microseconds=-250000), 2024, '{"a": [1, null, "ü"]}', "ü", {"a", "b"}, b"\x0f\xff"),
    (None,) * 14,
    (0, 0, decimal.Decimal("-0.1"), -0.0, "", b"", datetime.datetime(9999, 12, 31), datetime.date(9999, 12, 31), datetime.time(1, 2, 3, 4), 1901, "[]", "x", "", 5),
    (True, False, 7, 3, "日本語", bytearray(b"abc"), "2020-01-01 00:00:00", "2020-01-01", "10:00", "99", "null", 1, "b", b"\x01"),
]
for row in rows:
    row = tuple(",".join(sorted(v)) if isinstance(v, set) else v for v in row)
    show("inserted", c.execute(f"INSERT INTO typed ({columns}) VALUES ({', '.join(['%s'] * 14)})", row), c.lastrowid, c.rowcount)
c.execute("UPDATE typed SET g = POINT(1, 2.5) WHERE id = %s", (3,))
db.commit()
show(c.execute(f"SELECT id, {columns}, ST_AsText(g) FROM typed ORDER BY id"))
show(c.description)
for row in c.fetchall():
    show(row)
show(c.execute("SELECT g FROM typed WHERE id = 3"), c.fetchone())
for column, value in (("i", -(2**63)), ("s", "日本語"), ("dt", datetime.datetime(9999, 12, 31)), ("d", decimal.Decimal("-0.1")), ("b", b"\x00\xff'\\\x1a")):
    show(column, c.execute(f"SELECT id FROM typed WHERE {column} = %s", (value,)), c.fetchall())
show(c.execute("SELECT id FROM typed WHERE id IN %s ORDER BY id", ((1, 3, 9),)), c.fetchall())
show(c.execute("SELECT %(a)s, %(b)s", {"a": "x", "b": None}), c.fetchall())

# Many rows in one statement, and ids that the server gives.
c.execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, v VARCHAR(20) NOT NULL DEFAULT 'v', KEY (k))")
show(c.executemany("INSERT INTO t (k, v) VALUES (%s, %s)", [(i * 7 % 11, f"v{i}") for i in range(50)]), c.lastrowid, c.rowcount)
show(c.executemany("UPDATE t SET v = %s WHERE id = %s", [("new", i) for i in range(1, 6)]), c.rowcount)
db.commit()
show(c.execute("SELECT k, COUNT(*), MIN(v), SUM(id) FROM t GROUP BY k ORDER BY k"), c.fetchmany(3), c.fetchone(), c.rownumber)
c.scroll(2)
show(c.fetchall())

show(c.execute("SELECT x.id, y.id FROM t x JOIN t y ON x.k = y.k AND x.id < y.id WHERE x.k = %s ORDER BY x.id, y.id", (3,)), c.fetchall())
show(c.execute("SELECT k FROM t UNION SELECT i FROM typed ORDER BY 1 DESC LIMIT 3"), c.fetchall())

# Cursors: dictionaries, and rows that are read as they come.
with db.cursor(pymysql.cursors.DictCursor) as d:
    show(d.execute("SELECT id, v AS value FROM t WHERE id < 4 ORDER BY id"), [sorted(r.items()) for r in d.fetchall()])
with db.cursor(pymysql.cursors.SSCursor) as ss:
    ss.execute("SELECT id, k FROM t ORDER BY k DESC, id")
    show(ss.fetchone(), ss.fetchmany(2))
    show(len(list(ss)))

# Transactions over partitions.
for end in (db.rollback, db.commit):
    db.begin()
    show(c.execute("UPDATE t SET k = k + 100 WHERE id IN (1, 2, 3, 4)"), c.execute("DELETE FROM t WHERE id = 5"), c.execute("INSERT INTO t (id, k) VALUES (1000, 1)"))
    show(c.execute("SELECT id, k FROM t WHERE id < 7 OR id > 50 ORDER BY id"), c.fetchall())
    end()
    show(c.execute("SELECT id, k FROM t WHERE id < 7 OR id > 50 ORDER BY id"), c.fetchall())
try:
    with db:
        c.execute("SELECT 1")
        raise ValueError("out of with")
except ValueError as e:
    show(str(e), db.open)
db = connect(client_flag=CLIENT.MULTI_STATEMENTS, local_infile=True, autocommit=True, init_command="SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES'")
c = db.cursor()
show(c.execute('SELECT "id" FROM "t" WHERE id = 1000'), c.fetchall(), db.get_autocommit())
db.autocommit(False)
show(db.get_autocommit(), c.execute("SELECT @@sql_mode, @@autocommit"), c.fetchall())
db.autocommit(True)

# Errors.
refused("duplicate", lambda: c.execute("INSERT INTO t (id, k) VALUES (1000, 1)"))
refused("no table", lambda: c.execute("SELECT * FROM nowhere"))
refused("no column", lambda: c.execute("SELECT nothing FROM t"))
refused("syntax", lambda: c.execute("SELEKT 1"))
refused("null", lambda: c.execute("INSERT INTO t (k) VALUES (NULL)"))
refused("no default", lambda: c.execute("INSERT INTO t (v) VALUES ('x')"))
refused("too long", lambda: c.execute("INSERT INTO t (k, v) VALUES (1, REPEAT('x', 21))"))
refused("out of range", lambda: c.execute("INSERT INTO t (k) VALUES (3000000000)"))
refused("not a date", lambda: c.execute("INSERT INTO typed (day) VALUES ('2023-02-29')"))
refused("no database", lambda: db.select_db("nowhere"))
refused("wrong password", lambda: pymysql.connect(host=host, port=port, user="nobody", password="x"))
show(c.execute("INSERT IGNORE INTO t (id, k) VALUES (1000, 1), (1001, 1)"), c.execute("SHOW WARNINGS"), c.fetchall())

# Several results.
show(c.execute("SELECT 1; INSERT INTO t (k) VALUES (5); SELECT id, k FROM t WHERE id < 3 ORDER BY id; SELECT 'last'"), c.fetchall())
while c.nextset():
    show(c.rowcount, c.lastrowid is None or c.lastrowid > 1000, c.fetchall())
refused("an error in between", lambda: c.execute("SELECT 2; SELECT * FROM nowhere; SELECT 3") and c.nextset())
c = db.cursor()

# Large rows.
c.execute("CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, s LONGTEXT)")
blob = hashlib.sha256(b"x").digest() * 150000
text = "ü😀'" * 700000
show(c.execute("INSERT INTO large VALUES (1, %s, %s), (2, '', '')", (blob, text)))
c.execute("SELECT b, s, LENGTH(b), CHAR_LENGTH(s) FROM large ORDER BY id")
got = c.fetchall()
show(got[0][0] == blob, got[0][1] == text, got[0][2:], got[1])

# What else the driver has a command for.
show(db.insert_id(), db.affected_rows(), db.escape("a'b"), db.literal([1, "x", None]))
db.select_db(database)
show(c.execute("SELECT DATABASE()"), c.fetchall())
show(isinstance(db.thread_id(), int))
other = connect()
victim = other.thread_id()
db.kill(victim)
refused("killed", lambda: other.cursor().execute("SELECT SLEEP(5)"))
db.ping()

# A procedure's several results, and its variables.
c.execute("CREATE PROCEDURE several (n INT, OUT o INT) BEGIN SELECT id, k FROM t WHERE id <= n ORDER BY id; SELECT n * 2 AS twice, 'é' AS e; UPDATE t SET k = k + 1 WHERE id <= n; SET o = ROW_COUNT(); END")
show(c.callproc("several", (2, 0)), c.description, c.fetchall())
while c.nextset():
    show(c.rowcount, c.description, c.fetchall())
show(c.execute("SELECT @_several_0, @_several_1"), c.fetchall())
refused("too few", lambda: c.callproc("several", (2,)))
show(c.execute("DROP TABLE typed, t, large"))
db.close()
print("end of the program")
