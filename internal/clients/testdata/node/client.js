'use strict';
// mysql2 as applications use it. Arguments: host, port, database.

const crypto = require('crypto');
const mysql = require('mysql2/promise');
const plain = require('mysql2');

const [host, port, database] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const options = { host, port, user: 'root', database, charset: 'utf8mb4', timezone: 'Z', supportBigNumbers: true, bigNumberStrings: true, multipleStatements: true };

const digest = (v) => crypto.createHash('sha256').update(v).digest('hex').slice(0, 16);
const printable = (v) => {
  if (Buffer.isBuffer(v)) return v.length > 200 ? `<${v.length} bytes ${digest(v)}>` : `buffer ${v.toString('hex')}`;
  if (typeof v === 'string' && v.length > 300) return `<${v.length} characters ${digest(v)}>`;
  if (v instanceof Date) return isNaN(v) ? 'Invalid Date' : `date ${v.toISOString()}`;
  if (Array.isArray(v)) return v.map(printable);
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, w]) => [k, printable(w)]));
  return v === undefined ? 'undefined' : v;
};
// What a server says of how it has found the rows is its own affair.
const tidy = (v) => (v && typeof v === 'object' && 'serverStatus' in v ? { ...v, serverStatus: v.serverStatus & ~0x30 } : Array.isArray(v) ? v.map(tidy) : v);
const show = (...what) => console.log(what.map((w) => JSON.stringify(printable(tidy(w)))).join(' '));
const columns = (fields) => fields && fields.flat().filter(Boolean).map((f) => [f.name, f.orgName, f.table, f.schema || f.db, f.columnType, f.columnLength, f.decimals, f.characterSet, f.flags & 0xb1]);
const refused = async (what, promise) => {
  try {
    await promise;
    show(what, 'no error');
  } catch (e) {
    show(what, e.code, e.errno, e.sqlState, e.sqlMessage || e.message);
  }
};

async function types(c) {
  await c.query(`CREATE TABLE typed (id INT AUTO_INCREMENT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, d DECIMAL(30,10), f DOUBLE, fl FLOAT, s VARCHAR(200), b BLOB, dt DATETIME(3), ts TIMESTAMP NULL,
    day DATE, tm TIME(3), y YEAR, j JSON, e ENUM('x','ü'), st SET('a','b'), bits BIT(12), ti TINYINT, g POINT)`);
  const insert = 'INSERT INTO typed (i, u, d, f, fl, s, b, dt, ts, day, tm, y, j, e, st, bits, ti) VALUES (' + Array(17).fill('?').join(', ') + ')';
  const at = new Date('2024-02-29T22:59:59.125Z');
  const rows = [
    ['-9223372036854775808', '18446744073709551615', '12345678901234567890.0123456789', 1.5e-300, 0.5, 'it\'s \\ "q" ? 😀', Buffer.from([0, 255, 39, 26]), at, at, '2024-02-29', '-30:00:00.25', 2024,
      '{"a": [1, null]}', 'ü', 'a,b', Buffer.from([15, 255]), true],
    Array(17).fill(null),
    [0, 0, -0.1, 0, 0, '', Buffer.alloc(0), new Date('9999-12-31T00:00:00Z'), new Date('1971-01-01T00:00:00Z'), '1000-01-01', '838:59:59', 1901, '[]', 'x', '', 5, false],
    [-5, 7, 1.25, -1e100, 3, '日本語', Buffer.from('abc'), '2020-01-01 01:02:03', '2020-01-01 01:02:03', at, '10:00', 99, JSON.stringify({ ü: 1 }), 'x', 'b', 1, 127],
  ];
  for (const [i, row] of rows.entries()) {
    const [r] = i % 2 ? await c.query(insert, row) : await c.execute(insert, row);
    show(r.affectedRows, r.insertId, r.warningStatus, r.info);
  }
  await c.query('UPDATE typed SET g = POINT(1, 2.5) WHERE id = 3');
  for (const run of [() => c.query('SELECT * FROM typed ORDER BY id'), () => c.execute('SELECT * FROM typed WHERE id < ? ORDER BY id', [10]),
    () => c.query({ sql: 'SELECT * FROM typed ORDER BY id', rowsAsArray: true, dateStrings: true }), () => c.query({ sql: 'SELECT t.i, t.s FROM typed t ORDER BY id', nestTables: '_' })]) {
    const [got, fields] = await run();
    columns(fields).forEach((f) => show('column', f));
    got.forEach((r) => show(r));
  }
  show((await c.execute('SELECT id FROM typed WHERE dt = ? OR s = ? OR b = ? OR d = ? ORDER BY id', [at, '日本語', Buffer.from([0, 255, 39, 26]), '-0.1']))[0]);
  show((await c.query('SELECT id FROM typed WHERE id IN (?) AND ?? IS NOT NULL ORDER BY id', [[1, 2, 3], 's']))[0]);
  show((await c.query({ sql: 'SELECT :a AS a, :b AS b', namedPlaceholders: true }, { a: 'x', b: null }))[0]);
}

async function work(c) {
  await c.query('CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, v VARCHAR(20), KEY (k))');
  for (let i = 0; i < 25; i++) {
    const [r] = await c.execute('INSERT INTO t (k, v) VALUES (?, ?)', [i % 7, `v${i}`]);
    show(r.insertId);
  }
  show((await c.query('INSERT INTO t (k, v) VALUES ?', [Array.from({ length: 20 }, (_, i) => [i, `b${i}`])]))[0]);
  for (let id = 0; id < 50; id += 7) show((await c.execute('SELECT v, k FROM t WHERE id = ?', [id]))[0]);
  show((await c.execute('SELECT k, COUNT(*) AS n, SUM(id) AS s, AVG(id) AS a FROM t GROUP BY k HAVING n > ? ORDER BY k DESC LIMIT 4', [1]))[0]);
  const p = await c.prepare('SELECT COUNT(*) AS n FROM t WHERE k = ?');
  for (const k of [1, '2', null]) show((await p.execute([k]))[0]);
  await p.close();

  for (const end of ['rollback', 'commit']) {
    await c.beginTransaction();
    show((await c.execute('UPDATE t SET k = k + 100 WHERE id IN (1, 2, 3, 4, 5)'))[0]);
    show((await c.query('DELETE FROM t WHERE id = 6'))[0].affectedRows);
    await refused('in a transaction', c.query('INSERT INTO t (id, k) VALUES (1, 1)'));
    show((await c.query('SELECT id, k FROM t WHERE id < 8 ORDER BY id'))[0]);
    await c[end]();
    show((await c.query('SELECT id, k FROM t WHERE id < 8 ORDER BY id'))[0]);
  }

  await refused('duplicate', c.execute('INSERT INTO t (id, k) VALUES (?, ?)', [1, 1]));
  await refused('no table', c.query('SELECT * FROM nowhere'));
  await refused('no column', c.execute('SELECT nothing FROM t'));
  await refused('syntax', c.query('SELEKT 1'));
  await refused('null', c.query('INSERT INTO t (k) VALUES (NULL)'));
  await refused('too long', c.execute('INSERT INTO t (k, v) VALUES (1, ?)', ['x'.repeat(21)]));
  await refused('not a date', c.query("INSERT INTO typed (day) VALUES ('2023-02-29')"));
  await refused('no database', c.changeUser({ database: 'nowhere' }));
  await c.changeUser({ database });
  show((await c.query('INSERT IGNORE INTO t (id, k) VALUES (1, 1), (500, 2)'))[0], (await c.query('SHOW WARNINGS'))[0]);

  const [several, fields] = await c.query('SELECT 1 AS one; INSERT INTO t (id, k) VALUES (600, 5); SELECT id, k FROM t WHERE id < 3 ORDER BY id; SELECT ? AS x', ['last']);
  show(several, fields.map((f) => f && columns([f]).length));
  await refused('an error in between', c.query('SELECT 1; SELECT * FROM nowhere; SELECT 2'));

  await c.query('CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, s LONGTEXT)');
  const big = Buffer.alloc(6 << 20, Buffer.from(Array.from({ length: 997 }, (_, i) => (i * i) & 255)));
  await c.execute('INSERT INTO large VALUES (?, ?, ?)', [1, big, 'ü😀\''.repeat(200000)]);
  await c.query('INSERT INTO large VALUES (?, ?, ?)', [2, big.subarray(0, 3 << 20), '']);
  show((await c.query('SELECT b, s, MD5(b) AS m FROM large ORDER BY id'))[0]);
  show((await c.execute('SELECT b, s, MD5(b) AS m FROM large ORDER BY id'))[0]);
  await c.ping();
}

// streams reads rows as they come, by the interface with callbacks.
function streams() {
  return new Promise((resolve, reject) => {
    const c = plain.createConnection(options);
    let n = 0;
    c.query('SELECT id FROM t ORDER BY k, id').stream({ highWaterMark: 3 }).on('data', (r) => { if (n++ < 4) show(r); }).on('error', reject).on('end', () => {
      show('streamed', n);
      c.end(resolve);
    });
  });
}

async function pooled() {
  const pool = mysql.createPool({ ...options, connectionLimit: 4, compress: true });
  const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.execute('SELECT ? + COUNT(*) AS n FROM t', [i])));
  show(sums.map(([r]) => Number(r[0].n)));
  const c = await pool.getConnection();
  await c.query("SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+02:00'");
  show((await c.query('SELECT "k", @@time_zone AS z FROM t WHERE id = 1'))[0]);
  c.release();
  await pool.end();
}

async function main() {
  const c = await mysql.createConnection(options);
  show(c.connection._handshakePacket.serverVersion, (await c.query('SELECT DATABASE() AS d, @@version AS v'))[0]);
  await types(c);
  await work(c);
  await streams();
  await pooled();
  await c.query('DROP TABLE typed, t, large');
  await c.end();
  console.log('end of the program');
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
