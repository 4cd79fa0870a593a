/* MariaDB Connector/C as applications use it. Arguments: host, port, database. */

#include <mysql.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MYSQL *db;

static void die(const char *what)
{
  fprintf(stderr, "%s: %u (%s) %s\n", what, mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
  exit(1);
}

/* bytes prints what may be anything. */
static void bytes(const char *p, unsigned long n)
{
  unsigned long i, sum = 0;
  if (n > 200) {
    for (i = 0; i < n; i++)
      sum = sum * 31 + (unsigned char)p[i];
    printf("<%lu bytes, %lx>", n, sum);
    return;
  }
  for (i = 0; i < n; i++)
    if (p[i] >= ' ' && p[i] != '\\')
      putchar(p[i]);
    else
      printf("\\%02x", (unsigned char)p[i]);
}

static void fields(MYSQL_RES *res)
{
  MYSQL_FIELD *f;
  while ((f = mysql_fetch_field(res)))
    printf("  column %s.%s(%s).%s(%s) type %d length %lu flags %x decimals %u charset %u\n", f->db, f->table, f->org_table, f->name, f->org_name, f->type, f->length,
           f->flags & (NOT_NULL_FLAG | BLOB_FLAG | UNSIGNED_FLAG | BINARY_FLAG | ENUM_FLAG | SET_FLAG | AUTO_INCREMENT_FLAG | PRI_KEY_FLAG), f->decimals, f->charsetnr);
}

static void result(MYSQL_RES *res)
{
  MYSQL_ROW row;
  fields(res);
  while ((row = mysql_fetch_row(res))) {
    unsigned long *n = mysql_fetch_lengths(res);
    unsigned i;
    printf(" ");
    for (i = 0; i < mysql_num_fields(res); i++) {
      printf(" ");
      if (row[i])
        bytes(row[i], n[i]);
      else
        printf("NULL");
    }
    printf("\n");
  }
}

/* run sends a text, which may be several statements, and prints all answers. */
static void run_as(const char *sql, int stored)
{
  printf("> %s\n", sql);
  if (mysql_real_query(db, sql, strlen(sql))) {
    printf("  error %u (%s) %s\n", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    return;
  }
  for (;;) {
    int more;
    MYSQL_RES *res = stored ? mysql_store_result(db) : mysql_use_result(db);
    if (res) {
      if (stored)
        printf("  %llu rows\n", mysql_num_rows(res));
      result(res);
      mysql_free_result(res);
    } else if (mysql_field_count(db) == 0)
      printf("  %llu affected, id %llu, %s\n", mysql_affected_rows(db), mysql_insert_id(db), mysql_info(db) ? mysql_info(db) : "no info");
    else
      printf("  error %u (%s) %s\n", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
    printf("  %u warnings\n", mysql_warning_count(db));
    if (!mysql_more_results(db))
      break;
    more = mysql_next_result(db);
    if (more > 0) {
      printf("  error %u (%s) %s\n", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
      break;
    }
  }
}

static void run(const char *sql) { run_as(sql, 1); }

static void complain(MYSQL_STMT *s, const char *what)
{
  printf("  %s: error %u (%s) %s\n", what, mysql_stmt_errno(s), mysql_stmt_sqlstate(s), mysql_stmt_error(s));
}

static MYSQL_STMT *prepare(const char *sql)
{
  MYSQL_STMT *s = mysql_stmt_init(db);
  MYSQL_RES *meta;
  printf("prepare %s\n", sql);
  if (mysql_stmt_prepare(s, sql, strlen(sql))) {
    complain(s, "prepare");
    return s;
  }
  printf("  %lu parameters, %u columns\n", mysql_stmt_param_count(s), mysql_stmt_field_count(s));
  if ((meta = mysql_stmt_result_metadata(s))) {
    fields(meta);
    mysql_free_result(meta);
  }
  return s;
}

static int execute(MYSQL_STMT *s)
{
  if (mysql_stmt_execute(s)) {
    complain(s, "execute");
    return 0;
  }
  if (mysql_stmt_field_count(s) == 0)
    printf("  %llu affected, id %llu, %u warnings\n", mysql_stmt_affected_rows(s), mysql_stmt_insert_id(s), mysql_stmt_warning_count(s));
  return 1;
}

#define COLUMNS 24

/* rows prints a statement's rows, each column as its own type says, in binary where C has a type for it. */
static void rows(MYSQL_STMT *s, int store)
{
  static union { long long i; double d; float f; MYSQL_TIME t; char b[1 << 16]; } v[COLUMNS];
  static MYSQL_BIND b[COLUMNS];
  static my_bool null[COLUMNS], cut[COLUMNS];
  static unsigned long n[COLUMNS];
  MYSQL_RES *meta = mysql_stmt_result_metadata(s);
  unsigned i, count = mysql_stmt_field_count(s);
  int status;
  memset(b, 0, sizeof b);
  for (i = 0; i < count; i++) {
    MYSQL_FIELD *f = mysql_fetch_field(meta);
    b[i].buffer = &v[i];
    b[i].is_null = &null[i];
    b[i].length = &n[i];
    b[i].error = &cut[i];
    b[i].buffer_length = sizeof v[i];
    b[i].is_unsigned = (f->flags & UNSIGNED_FLAG) != 0;
    switch (f->type) {
    case MYSQL_TYPE_TINY: case MYSQL_TYPE_SHORT: case MYSQL_TYPE_INT24: case MYSQL_TYPE_LONG: case MYSQL_TYPE_LONGLONG: case MYSQL_TYPE_YEAR:
      b[i].buffer_type = MYSQL_TYPE_LONGLONG; break;
    case MYSQL_TYPE_FLOAT: case MYSQL_TYPE_DOUBLE:
      b[i].buffer_type = MYSQL_TYPE_DOUBLE; break;
    case MYSQL_TYPE_DATE: case MYSQL_TYPE_TIME: case MYSQL_TYPE_DATETIME: case MYSQL_TYPE_TIMESTAMP:
      b[i].buffer_type = f->type; break;
    default:
      b[i].buffer_type = MYSQL_TYPE_LONG_BLOB;
    }
  }
  mysql_free_result(meta);
  if (mysql_stmt_bind_result(s, b)) {
    complain(s, "bind");
    return;
  }
  if (store) {
    if (mysql_stmt_store_result(s)) {
      complain(s, "store");
      return;
    }
    printf("  %llu rows\n", mysql_stmt_num_rows(s));
  }
  while ((status = mysql_stmt_fetch(s)) == 0 || status == MYSQL_DATA_TRUNCATED) {
    printf(" ");
    for (i = 0; i < count; i++) {
      printf(" ");
      if (null[i]) {
        printf("NULL");
        continue;
      }
      switch (b[i].buffer_type) {
      case MYSQL_TYPE_LONGLONG:
        printf(b[i].is_unsigned ? "%llu" : "%lld", v[i].i); break;
      case MYSQL_TYPE_DOUBLE:
        printf("%.17g", v[i].d); break;
      case MYSQL_TYPE_DATE: case MYSQL_TYPE_TIME: case MYSQL_TYPE_DATETIME: case MYSQL_TYPE_TIMESTAMP:
        printf("%s%u-%u-%u,%u:%u:%u.%06lu", v[i].t.neg ? "-" : "", v[i].t.year, v[i].t.month, v[i].t.day, v[i].t.hour, v[i].t.minute, v[i].t.second, v[i].t.second_part); break;
      default:
        bytes(v[i].b, n[i] < sizeof v[i] ? n[i] : sizeof v[i]);
      }
      if (cut[i])
        printf("(cut)");
    }
    printf("\n");
  }
  if (status != MYSQL_NO_DATA)
    complain(s, "fetch");
  mysql_stmt_free_result(s);
}

static void types(void)
{
  long long i = -9223372036854775807LL - 1;
  unsigned long long u = 18446744073709551615ULL;
  int l = -2147483647;
  short sh = -32768;
  signed char ti = -128;
  double d = -1.5e-300;
  float f = 0.1f;
  char s[] = "it's \\ \xf0\x9f\x98\x80", dec[] = "-12345678901234567890.0123456789", bin[] = "\x00\xff'\x1a", json[] = "{\"a\": [1, null]}";
  unsigned long ns = sizeof s - 1, ndec = sizeof dec - 1, nbin = 4, njson = sizeof json - 1;
  MYSQL_TIME dt = {2024, 2, 29, 23, 59, 59, 123456, 0, MYSQL_TIMESTAMP_DATETIME}, day = {1000, 1, 1, 0, 0, 0, 0, 0, MYSQL_TIMESTAMP_DATE},
             tm = {0, 0, 0, 30, 1, 2, 250000, 1, MYSQL_TIMESTAMP_TIME};
  my_bool null = 0;
  MYSQL_BIND b[13];
  MYSQL_STMT *st;
  int round, k;
  memset(b, 0, sizeof b);
#define BIND(at, type, p) b[at].buffer_type = type, b[at].buffer = (p), b[at].is_null = &null
  BIND(0, MYSQL_TYPE_LONGLONG, &i);
  BIND(1, MYSQL_TYPE_LONGLONG, &u), b[1].is_unsigned = 1;
  BIND(2, MYSQL_TYPE_LONG, &l);
  BIND(3, MYSQL_TYPE_SHORT, &sh);
  BIND(4, MYSQL_TYPE_TINY, &ti);
  BIND(5, MYSQL_TYPE_DOUBLE, &d);
  BIND(6, MYSQL_TYPE_FLOAT, &f);
  BIND(7, MYSQL_TYPE_STRING, s), b[7].length = &ns;
  BIND(8, MYSQL_TYPE_NEWDECIMAL, dec), b[8].length = &ndec;
  BIND(9, MYSQL_TYPE_BLOB, bin), b[9].length = &nbin;
  BIND(10, MYSQL_TYPE_DATETIME, &dt);
  BIND(11, MYSQL_TYPE_DATE, &day);
  BIND(12, MYSQL_TYPE_TIME, &tm);
  run("CREATE TABLE typed (id INT AUTO_INCREMENT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, l MEDIUMINT, sh SMALLINT, ti TINYINT, d DOUBLE, f FLOAT, s VARCHAR(100), de DECIMAL(30,10), "
      "b VARBINARY(100), dt DATETIME(6), day DATE, tm TIME(6), y YEAR DEFAULT 2024, bi BIT(9) DEFAULT b'101', e ENUM('x','y') DEFAULT 'y', j LONGTEXT CHECK (JSON_VALID(j)))");
  st = prepare("INSERT INTO typed (i, u, l, sh, ti, d, f, s, de, b, dt, day, tm) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  mysql_stmt_bind_param(st, b);
  l = 8388607;
  execute(st);
  null = 1;
  execute(st);
  null = 0;
  i = u = l = sh = ti = 0, d = 0, f = 0, ns = nbin = 0, dt.second_part = 0, tm.neg = 0;
  execute(st);
  mysql_stmt_close(st);
  st = prepare("UPDATE typed SET j = ? WHERE id = ?");
  k = 1;
  memset(b, 0, sizeof b);
  b[0].buffer_type = MYSQL_TYPE_STRING, b[0].buffer = json, b[0].length = &njson;
  b[1].buffer_type = MYSQL_TYPE_LONG, b[1].buffer = &k;
  mysql_stmt_bind_param(st, b);
  execute(st);
  njson = 3;
  execute(st);
  mysql_stmt_close(st);
  for (round = 0; round < 3; round++) {
    unsigned long cursor = CURSOR_TYPE_READ_ONLY, prefetch = 2;
    st = prepare("SELECT * FROM typed WHERE id < 10 ORDER BY id");
    if (round == 2) {
      mysql_stmt_attr_set(st, STMT_ATTR_CURSOR_TYPE, &cursor);
      mysql_stmt_attr_set(st, STMT_ATTR_PREFETCH_ROWS, &prefetch);
    }
    if (execute(st))
      rows(st, round == 0);
    mysql_stmt_close(st);
  }
}

/* many executes one statement for many ids, then in another type of parameter. */
static void many(void)
{
  long long id;
  char name[20];
  unsigned long n;
  MYSQL_BIND b[2];
  MYSQL_STMT *st;
  run("CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR(20), n INT NOT NULL DEFAULT 0, KEY (name))");
  st = prepare("INSERT INTO t (id, name) VALUES (?, ?)");
  memset(b, 0, sizeof b);
  b[0].buffer_type = MYSQL_TYPE_LONGLONG, b[0].buffer = &id;
  b[1].buffer_type = MYSQL_TYPE_STRING, b[1].buffer = name, b[1].length = &n;
  mysql_stmt_bind_param(st, b);
  for (id = 1; id <= 20; id++) {
    n = sprintf(name, "n%lld", id % 7);
    execute(st);
  }
  id = 3;
  execute(st);
  mysql_stmt_close(st);
  st = prepare("SELECT id, name FROM t WHERE id = ?");
  mysql_stmt_bind_param(st, b);
  for (id = 18; id <= 22; id++)
    if (execute(st))
      rows(st, 1);
  b[0].buffer_type = MYSQL_TYPE_STRING, b[0].buffer = name, b[0].length = &n;
  n = sprintf(name, "7");
  mysql_stmt_bind_param(st, b);
  if (execute(st))
    rows(st, 1);
  mysql_stmt_close(st);
  st = prepare("SELECT name, COUNT(*), SUM(n), AVG(id) FROM t WHERE id > ? GROUP BY name ORDER BY name LIMIT ?");
  b[0].buffer_type = MYSQL_TYPE_LONGLONG, b[0].buffer = &id;
  b[1] = b[0];
  id = 4;
  mysql_stmt_bind_param(st, b);
  if (execute(st))
    rows(st, 1);
  mysql_stmt_close(st);
}

/* bulk sends arrays of parameters with one command. */
static void bulk(void)
{
  int id[] = {101, 102, 103, 104, 105, 106}, again[] = {201, 102, 202}, numbers[] = {1, 50, 3, 51, 5, 52};
  char *name[] = {"a", "b", "c", "d", "e", "f"};
  char ind[] = {STMT_INDICATOR_NTS, STMT_INDICATOR_NULL, STMT_INDICATOR_NTS, STMT_INDICATOR_DEFAULT, STMT_INDICATOR_NTS, STMT_INDICATOR_NTS};
  unsigned size = 6;
  MYSQL_BIND b[3];
  MYSQL_STMT *st = prepare("INSERT INTO t (id, name) VALUES (?, ?)");
  memset(b, 0, sizeof b);
  b[0].buffer_type = MYSQL_TYPE_LONG, b[0].buffer = id;
  b[1].buffer_type = MYSQL_TYPE_STRING, b[1].buffer = name, b[1].u.indicator = ind;
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  size = 3;
  b[0].buffer = again;
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  run("SELECT id, name FROM t WHERE id > 100 ORDER BY id");
  st = prepare("UPDATE t SET n = n + 1 WHERE id = ?");
  size = 6;
  b[0].buffer = id;
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  st = prepare("DELETE FROM t WHERE id = ?");
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  run("SELECT COUNT(*), SUM(n) FROM t");
  run("CREATE TABLE numbered (id BIGINT AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL DEFAULT 7, w VARCHAR(10) DEFAULT 'w')");
  st = prepare("INSERT INTO numbered (v, w) VALUES (? + 1, ?)");
  size = 6;
  b[0].buffer = id;
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  run("SELECT LAST_INSERT_ID(), ROW_COUNT()");
  mysql_stmt_close(st);
  st = prepare("REPLACE INTO numbered (id, w) VALUES (?, ?)");
  b[0].buffer = numbers;
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  run("SELECT * FROM numbered ORDER BY id");
  st = prepare("INSERT INTO numbered (id, v) VALUES (?, 1) ON DUPLICATE KEY UPDATE v = v * 2, w = ?");
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  run("SELECT * FROM numbered ORDER BY id");
  st = prepare("INSERT INTO numbered (v, w) VALUES (?, ?) ON DUPLICATE KEY UPDATE v = ?");
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_close(st);
  st = prepare("SELECT * FROM numbered WHERE id = ? AND w = ?");
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  st = prepare("UPDATE numbered SET w = ? WHERE id = ?");
  b[2] = b[0], b[0] = b[1], b[1] = b[2];
  ind[5] = STMT_INDICATOR_DEFAULT;
  mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &size);
  mysql_stmt_bind_param(st, b);
  execute(st);
  mysql_stmt_close(st);
  run("SELECT * FROM numbered ORDER BY id");
  run("DROP TABLE numbered");
}

static void large(void)
{
  static char big[9 << 20];
  unsigned long n = sizeof big, i;
  int id = 1;
  MYSQL_BIND b[2];
  MYSQL_STMT *st;
  for (i = 0; i < n; i++)
    big[i] = (char)(i * 2654435761u >> 13);
  run("CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB)");
  st = prepare("INSERT INTO large VALUES (?, ?)");
  memset(b, 0, sizeof b);
  b[0].buffer_type = MYSQL_TYPE_LONG, b[0].buffer = &id;
  b[1].buffer_type = MYSQL_TYPE_LONG_BLOB, b[1].buffer = big, b[1].length = &n, b[1].buffer_length = n;
  mysql_stmt_bind_param(st, b);
  execute(st);
  id = 2; /* in pieces */
  for (i = 0; i < n; i += 1 << 20)
    mysql_stmt_send_long_data(st, 1, big + i, 1 << 20);
  execute(st);
  mysql_stmt_close(st);
  run("SELECT * FROM large ORDER BY id");
  run_as("SELECT id, LENGTH(b), MD5(b) FROM large ORDER BY id", 0);
}

int main(int argc, char **argv)
{
  my_bool yes = 1;
  unsigned local = 1;
  MYSQL_STMT *st;
  db = mysql_init(NULL);
  mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(db, MYSQL_OPT_LOCAL_INFILE, &local);
  mysql_options(db, MYSQL_REPORT_DATA_TRUNCATION, &yes);
  if (argc < 4 || !mysql_real_connect(db, argv[1], "root", "", NULL, atoi(argv[2]), NULL, CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS))
    die("connect");
  printf("%s, protocol %u, version %lu, %s, status of autocommit %d\n", mysql_get_server_info(db), mysql_get_proto_info(db), mysql_get_server_version(db), mysql_character_set_name(db),
         (db->server_status & SERVER_STATUS_AUTOCOMMIT) != 0);
  run("SELECT DATABASE()");
  if (mysql_select_db(db, "nowhere"))
    printf("error %u (%s) %s\n", mysql_errno(db), mysql_sqlstate(db), mysql_error(db));
  if (mysql_select_db(db, argv[3]))
    die("select_db");
  types();
  many();
  bulk();
  large();

  run("UPDATE t SET n = 1 WHERE id < 4");
  run("UPDATE t SET n = 1 WHERE id < 4"); /* found rows, not changed ones */
  run("SELECT 1; INSERT INTO t VALUES (300, 'x', 1), (301, 'y', 2); SELECT id FROM t WHERE id >= 300 ORDER BY id; SELECT * FROM nowhere; SELECT 2");
  run_as("SELECT id, name FROM t ORDER BY name, id", 0);

  mysql_autocommit(db, 0);
  run("UPDATE t SET n = n + 5 WHERE id IN (1, 2, 3, 4, 5)");
  printf("in a transaction: %d\n", (db->server_status & SERVER_STATUS_IN_TRANS) != 0);
  mysql_rollback(db);
  printf("in a transaction: %d\n", (db->server_status & SERVER_STATUS_IN_TRANS) != 0);
  run("SELECT SUM(n) FROM t");
  run("UPDATE t SET n = n + 5 WHERE id IN (1, 2, 3, 4, 5)");
  run("INSERT INTO t VALUES (300, 'x', 1), (302, 'y', 2)");
  mysql_commit(db);
  mysql_autocommit(db, 1);
  run("SELECT SUM(n), COUNT(*) FROM t");

  run("SELECT nothing FROM t");
  run("SELECT * FROM t WHERE");
  run("INSERT INTO t (id, n) VALUES (400, NULL)");
  run("INSERT INTO t (id, name) VALUES (400, REPEAT('x', 30))");
  run("INSERT IGNORE INTO t (id, name) VALUES (400, REPEAT('x', 30)), (1, 'y')");
  run("SHOW WARNINGS");
  run("DROP TABLE nowhere");
  st = prepare("SELECT nothing FROM t WHERE id = ?");
  mysql_stmt_close(st);
  st = prepare("SELECT 1 FROM");
  mysql_stmt_close(st);

  {
    MYSQL_RES *res = mysql_list_fields(db, "typed", NULL);
    if (!res)
      die("list_fields");
    fields(res);
    mysql_free_result(res);
    if (!(res = mysql_list_tables(db, NULL)))
      die("list_tables");
    result(res);
    mysql_free_result(res);
  }
  if (mysql_set_character_set(db, "latin1"))
    die("set_character_set");
  run("SELECT s, CHARSET(s), CHARSET('x') FROM typed WHERE id = 1");
  if (mysql_set_character_set(db, "utf8mb4"))
    die("set_character_set");
  run("SET @x = 5");
  if (mysql_reset_connection(db))
    die("reset_connection");
  run("SELECT @x, DATABASE()");
  if (mysql_change_user(db, "root", "", argv[3]))
    die("change_user");
  run("SELECT DATABASE(), CURRENT_USER() LIKE 'root@%'");
  printf("ping %d, %.7s\n", mysql_ping(db), mysql_stat(db));
  mysql_set_server_option(db, MYSQL_OPTION_MULTI_STATEMENTS_OFF);
  run("SELECT 1; SELECT 2");
  run("DROP TABLE typed, t, large");
  mysql_close(db);
  printf("end of the program\n");
  return 0;
}
