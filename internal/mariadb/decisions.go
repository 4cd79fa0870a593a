package mariadb

// createDecisions makes the table of what partitions have decided about transactions over several places. A row is written in the domain of its partition, and so
// comes to the partition's replicas in order with its data. A transaction has one row at most, whoever writes it first: its owner's says committed, and
// comes to be with the owner's commit; who finds none, and wants to know, writes that it was rolled back, after which the owner can't commit any more.
const createDecisions = "CREATE TABLE IF NOT EXISTS " + Schema + ".decisions (`partition` VARCHAR(64) NOT NULL, owner BIGINT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL, " +
	"outcome ENUM('committed','rolled back') NOT NULL, at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (`partition`, owner, seq)) ENGINE=InnoDB"

// createDecide makes the procedure by which a session that serves a partition says in its transaction that this one decides. It is refused to all others: the row
// would go to another domain than the partition's data. SYSDATE, as clients may have set what time their sessions go by.
const createDecide = `CREATE OR REPLACE DEFINER='orbweaver'@'%' PROCEDURE ` + Schema + `.decide(IN partition_name VARCHAR(64), IN owner_id BIGINT UNSIGNED, IN seq_no BIGINT UNSIGNED)
  MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT 'Has the partition that a session serves decide about the transaction'
BEGIN
  IF NOT EXISTS (SELECT 1 FROM ` + Schema + `.terms t WHERE t.name = partition_name AND t.domain = @@SESSION.gtid_domain_id) THEN
    SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1777, MESSAGE_TEXT = 'This session does not serve the partition in this term';
  END IF;
  INSERT INTO ` + Schema + ".decisions (`partition`, owner, seq, outcome, at) VALUES (partition_name, owner_id, seq_no, 'committed', SYSDATE(6));\nEND"

// createNumber makes the procedure that has InnoDB give a transaction its number, which comes with the first lock that is none in share mode: here of nothing.
const createNumber = `CREATE OR REPLACE DEFINER='orbweaver'@'%' PROCEDURE ` + Schema + `.number()
  MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT 'Has the transaction be told from others that only read'
BEGIN
  DECLARE n INT UNSIGNED;
  SELECT COUNT(*) INTO n FROM ` + Schema + `.installed WHERE id = 0 FOR UPDATE;
END`

// createSnapshot makes the procedure that gives a transaction its view of all tables at once: XA START has no WITH CONSISTENT SNAPSHOT. Any read of an InnoDB table does.
const createSnapshot = `CREATE OR REPLACE DEFINER='orbweaver'@'%' PROCEDURE ` + Schema + `.snapshot()
  READS SQL DATA SQL SECURITY DEFINER COMMENT 'Makes the view that the transaction reads by'
BEGIN
  DECLARE n INT UNSIGNED;
  SELECT version INTO n FROM ` + Schema + `.installed WHERE id = 1;
END`
