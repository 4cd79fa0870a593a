package sqltext

import (
	"fmt"
	"testing"
)

func TestReadEvent(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1":                                                             "true [] before DO; ; SELECT 1",
		"CREATE EVENT d.e ON SCHEDULE AT (SELECT DO FROM x) + INTERVAL 1 DAY ON COMPLETION PRESERVE DO DO 1":             "true [] before DO; ; DO 1",
		"CREATE DEFINER=a@b EVENT IF NOT EXISTS `do` ON SCHEDULE EVERY 1 DAY ENABLE COMMENT 'disable' DO SELECT 1":       "true [ENABLE] before COMMENT; ; SELECT 1",
		"CREATE EVENT enable ON SCHEDULE EVERY 1 DAY DISABLE ON SLAVE DO BEGIN SELECT 1; DO 2; END":                      "true [DISABLE ON SLAVE] before DO; ; BEGIN SELECT 1; DO 2; END",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY COMMENT 'x' DO ALTER EVENT f DISABLE":                                    "true [] before COMMENT; ; ALTER EVENT f DISABLE",
		"/*!50106 CREATE*/ /*!50117 DEFINER=`a`@`b`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1 */": "true [DISABLE] before DO; ; SELECT 1",
		"ALTER EVENT e DISABLE":                             "false [DISABLE] before ; ; ",
		"ALTER EVENT e RENAME TO disable.`ena``ble` ENABLE": "false [ENABLE] before ; disable.ena`ble; ",
		"ALTER EVENT e RENAME TO comment":                   "false [] before ; .comment; ",
		"ALTER EVENT e ON COMPLETION NOT PRESERVE":          "false [] before ; ; ",
		"DROP EVENT e": "false [] before ; ; ",
	} {
		var scan Scan
		if err := scan.Scan([]byte(text), Mode{}); err != nil {
			t.Fatal(text, err)
		}
		stmt, err := Parse(&scan, Mode{})
		if err != nil || stmt.DDL == nil {
			t.Fatal(text, err)
		}
		c := ReadEvent(&scan, stmt)
		rename, before := "", ""
		if n := c.RenameTo; n != nil {
			rename = n.DB.Text + "." + n.Name.Text
		}
		if int(c.Status.To) < len(scan.Tokens) {
			before = string(scan.Bytes(c.Status.To))
		}
		if got := fmt.Sprintf("%v [%s] before %s; %s; %s", c.Schedule, scan.Text(c.Status), before, rename, scan.AppendSpan(nil, c.Body)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
