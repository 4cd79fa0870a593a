package exec

import "testing"

// What temporary tables can't have is left out of a definition, whatever names are like it.
func TestBareDefinition(t *testing.T) {
	for i, c := range [][3]string{
		{"CREATE TABLE `t` (\n  `a` int(11) NOT NULL DEFAULT (1 + (2)),\n  PRIMARY KEY (`a`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4\n PARTITION BY HASH (`a`)\nPARTITIONS 4",
			"( `a` int(11) NOT NULL DEFAULT (1 + (2)) ,PRIMARY KEY (`a`) ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 "},
		{"CREATE TABLE `FULLTEXT` (\n  `fulltext` text COMMENT 'PARTITION, FULLTEXT KEY',\n  `partition` int,\n  FULLTEXT KEY `k` (`fulltext`)\n) ENGINE=InnoDB COMMENT='FULLTEXT ) PARTITION'",
			"( `fulltext` text COMMENT 'PARTITION, FULLTEXT KEY' ,`partition` int ) ENGINE=InnoDB COMMENT='FULLTEXT ) PARTITION' "},
		{"CREATE TABLE `t` (\n  `a` int,\n  FULLTEXT KEY `f` (`b`),\n  CONSTRAINT `k` FOREIGN KEY (`a`) REFERENCES `x` (`a`),\n  CONSTRAINT `c` CHECK (`a` > 0)\n) ENGINE=InnoDB",
			"( `a` int ,CONSTRAINT `c` CHECK (`a` > 0) ) ENGINE=InnoDB "},
		{"CREATE TABLE `t` (\n  `a` int(11) NOT NULL,\n  `c` int WITHOUT SYSTEM VERSIONING,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `k` (`a`,`c`(3)) COMMENT 'x'\n) ENGINE=InnoDB WITH SYSTEM VERSIONING\n PARTITION BY SYSTEM_TIME \n(PARTITION `p0` HISTORY)",
			"( `a` int(11) NOT NULL ,`c` int ,PRIMARY KEY (`a`) ,UNIQUE KEY `k` (`a`,`c`(3)) COMMENT 'x' ,`row_start` timestamp(6) NOT NULL INVISIBLE DEFAULT 0,`row_end` timestamp(6) NOT NULL INVISIBLE DEFAULT 0) ENGINE=InnoDB ",
			"( `a` int(11) NOT NULL ,`c` int ,PRIMARY KEY (`a` ,`row_end`) ,UNIQUE KEY `k` (`a`,`c`(3) ,`row_end`) COMMENT 'x' ,`row_start` timestamp(6) NOT NULL INVISIBLE DEFAULT 0,`row_end` timestamp(6) NOT NULL INVISIBLE DEFAULT 0) ENGINE=InnoDB "},
		{"CREATE TABLE `t` (\n  `a` int(11) NOT NULL,\n  `s` timestamp(6) GENERATED ALWAYS AS ROW START,\n  `e` timestamp(6) GENERATED ALWAYS AS ROW END,\n  PRIMARY KEY (`a`,`e`),\n  PERIOD FOR SYSTEM_TIME (`s`, `e`)\n) ENGINE=InnoDB WITH SYSTEM VERSIONING",
			"( `a` int(11) NOT NULL ,`s` timestamp(6) NOT NULL ,`e` timestamp(6) NOT NULL ,PRIMARY KEY (`a`,`e`) ) ENGINE=InnoDB "},
		{"CREATE TABLE `t` (\n  `partition` int COMMENT 'FULLTEXT',\n  KEY `fulltext` (`partition`)\n) ENGINE=InnoDB", "( `partition` int COMMENT 'FULLTEXT' ,KEY `fulltext` (`partition`) ) ENGINE=InnoDB "},
	} {
		got, err := bareDefinition([]byte(c[0]), false)
		if err != nil || got.text != c[1] || got.odd != (i < 5) || got.hidden != (i == 3) {
			t.Errorf("%s:\n got %+v, %v\nwant %q", c[0], got, err, c[1])
		}
		if c[2] == "" {
			c[2] = c[1]
			if i != 4 { // whose history has columns of its own
				continue
			}
		}
		if got, err = bareDefinition([]byte(c[0]), true); err != nil || got.text != c[2] {
			t.Errorf("%s, of a history:\n got %+v, %v\nwant %q", c[0], got, err, c[2])
		}
	}
}
