package mariadb

// A statement that can't be split is run at one leaf, under the client's own account, on temporary tables that stand before the tables that it names
// (package exec). The procedure stage makes one, which the account itself may not: it runs with the cluster's rights, and is everybody's to call. Of a temporary table that
// is there once MariaDB asks the session for no rights, so that the node can fill it, and whoever may run the statement is found out before.
//
// Whoever could call it for himself could put rows of his own before any table that a view, a function or a procedure reads with its definer's rights: one that
// looks up who may do what, for instance. MariaDB keeps that to those who have CREATE TEMPORARY TABLES on the table's database. So it asks for a ticket: a row of
// the table tickets with the number of the connection that calls. Nodes write it, by the cluster's account and on a connection of its own, in a transaction that is never
// committed, and end that before the client's statement is run (txn.Aside). This is what keeps others out:
//
//   - Only the cluster's account, and who may write to all databases and so to mysql.*, can write a ticket. There is no secret that somebody could read: neither by
//     SELECT on everything, nor in a list of processes, a log or the procedure's own text.
//   - A ticket is for one connection, which is the node's alone while it is valid: nothing that comes from a client runs there meanwhile, no trigger, no function. It can't be
//     used again: it is gone before the client's statement begins, and no other connection ever has the number. A ticket of which the node can't say that it is gone costs the connection.
//   - It is gone with its writer's connection, with the node, and with the server: nothing has to be tidied up, and nothing reaches a binary log.
//
// The procedure can't be called in a transaction (SET TRANSACTION refuses), so that nothing it does belongs to one. Names are values, and the text that it makes of them
// is read in the sql_mode that it was made under, whatever the session's is. The table's definition is given where none that is LIKE it can be made.
//
// The row is looked for by a SELECT: InnoDB reads for any other statement with locks, and would wait for the transaction that wrote it.

// createTickets makes the table. It has no unique key: a ticket whose writer is just being given up must not keep the next one waiting.
const createTickets = "CREATE TABLE IF NOT EXISTS " + Schema + ".tickets (connection BIGINT UNSIGNED NOT NULL, KEY (connection)) ENGINE=InnoDB"

// createStage makes the procedure. Its error for whoever has no ticket is MariaDB's for a routine that one may not execute.
const createStage = `CREATE OR REPLACE DEFINER='orbweaver'@'%' PROCEDURE ` + Schema + `.stage(IN of_db VARCHAR(64) CHARACTER SET utf8mb4, IN of_table VARCHAR(64) CHARACTER SET utf8mb4, IN definition LONGTEXT CHARACTER SET utf8mb4)
  MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT 'Puts an empty copy of a table before it for a node that stages a statement'
BEGIN
  DECLARE tickets INT UNSIGNED;
  DECLARE name TEXT CHARACTER SET utf8mb4 DEFAULT CONCAT(` + "'`', REPLACE(of_db, '`', '``'), '`.`', REPLACE(of_table, '`', '``'), '`'" + `);
  SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;
  SELECT COUNT(*) INTO tickets FROM ` + Schema + `.tickets t WHERE t.connection = CONNECTION_ID();
  IF tickets = 0 THEN
    SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = 1370, MESSAGE_TEXT = 'Only nodes of the cluster may stage tables';
  END IF;
  IF definition IS NULL THEN
    EXECUTE IMMEDIATE CONCAT('CREATE OR REPLACE TEMPORARY TABLE ` + Schema + `.copy LIKE ', name);
    EXECUTE IMMEDIATE CONCAT('ALTER TABLE ` + Schema + `.copy RENAME TO ', name);
  ELSE
    EXECUTE IMMEDIATE CONCAT('CREATE TEMPORARY TABLE ', name, ' ', definition);
  END IF;
END`

// installStage are the statements that make all this.
var installStage = []string{createTickets, createStage, "GRANT EXECUTE ON PROCEDURE " + Schema + ".stage TO PUBLIC"}
