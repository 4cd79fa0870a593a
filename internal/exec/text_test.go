package exec

import "testing"

func TestRenamed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Table 'test_3.x' doesn't exist", "Table 'test.x' doesn't exist"},
		{"(`test_3`.`t`, CONSTRAINT `test_3`)", "(`test`.`t`, CONSTRAINT `test`)"},
		{"Duplicate entry 'test_33' and 'atest_3'", ""},
		{"test_3", "test"},
	} {
		if got := string(renamed([]byte(c.text), "test_3", "test")); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestRecount(t *testing.T) {
	a := numbers([]byte("Records: 3  Duplicates: 1  Warnings: 0"))
	b := numbers([]byte("Records: 12  Duplicates: 0  Warnings: 0"))
	sum := added(a, b)
	sum[2] = 7
	if got := string(recount([]byte("Records: 3  Duplicates: 1  Warnings: 0"), sum)); got != "Records: 15  Duplicates: 1  Warnings: 7" {
		t.Error(got)
	}
}
