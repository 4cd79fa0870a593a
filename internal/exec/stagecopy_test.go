package exec

import "testing"

// What temporary tables can't have is left out of a definition, whatever names are like it.
func TestBareDefinition(t *testing.T) {
	for i, c := range [][2]string{
		{"CREATE TABLE `t` (\n  `a` int(11) NOT NULL DEFAULT (1 + (2)),\n  PRIMARY KEY (`a`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4\n PARTITION BY HASH (`a`)\nPARTITIONS 4",
			"( `a` int(11) NOT NULL DEFAULT (1 + (2)) ,PRIMARY KEY (`a`) ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 "},
		{"CREATE TABLE `FULLTEXT` (\n  `fulltext` text COMMENT 'PARTITION, FULLTEXT KEY',\n  `partition` int,\n  FULLTEXT KEY `k` (`fulltext`)\n) ENGINE=InnoDB COMMENT='FULLTEXT ) PARTITION'",
			"( `fulltext` text COMMENT 'PARTITION, FULLTEXT KEY' ,`partition` int ) ENGINE=InnoDB COMMENT='FULLTEXT ) PARTITION' "},
		{"CREATE TABLE `t` (\n  `a` int,\n  FULLTEXT KEY `f` (`b`),\n  CONSTRAINT `k` FOREIGN KEY (`a`) REFERENCES `x` (`a`),\n  CONSTRAINT `c` CHECK (`a` > 0)\n) ENGINE=InnoDB",
			"( `a` int ,CONSTRAINT `c` CHECK (`a` > 0) ) ENGINE=InnoDB "},
		{"CREATE TABLE `t` (\n  `partition` int COMMENT 'FULLTEXT',\n  KEY `fulltext` (`partition`)\n) ENGINE=InnoDB", "( `partition` int COMMENT 'FULLTEXT' ,KEY `fulltext` (`partition`) ) ENGINE=InnoDB "},
	} {
		got, odd, err := bareDefinition([]byte(c[0]))
		if err != nil || got != c[1] || odd != (i < 3) {
			t.Errorf("%s:\n got %q, %v, %v\nwant %q", c[0], got, odd, err, c[1])
		}
	}
}
