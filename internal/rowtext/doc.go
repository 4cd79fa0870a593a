// Package rowtext is how rows travel from one server's table to another's so that they arrive as they were stored: as what? (Travel), read by which session (Reading), written as lines for LOAD
// DATA (AppendLine). Copies of partitions, backups and tables that get another shard key go that way. Tested by those, whose rows are compared afterwards.
package rowtext
