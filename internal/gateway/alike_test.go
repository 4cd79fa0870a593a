package gateway

import "testing"

// A node is marked from before it writes a reference table until it has been quiet; a transaction that is open keeps the mark.
func TestNodesThatWriteReferenceTablesAreMarked(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "alikedb")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	c.exec("CREATE TABLE p (id INT PRIMARY KEY)")
	marks := func(want int) {
		t.Helper()
		b.g.guard.alike.unmark(0)
		got, err := b.cat.Marks(timeout(t))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != want || want > 0 && (got[0].Doubt || got[0].Orphan) {
			t.Errorf("marks %+v, want %d", got, want)
		}
	}
	marks(0)
	c.exec("INSERT INTO p VALUES (1)")
	marks(0)
	c.exec("BEGIN")
	c.exec("INSERT INTO p VALUES (2)")
	marks(0)
	c.exec("INSERT INTO r VALUES (1)")
	marks(1)
	c.exec("INSERT INTO r VALUES (2)")
	c.exec("COMMIT")
	marks(0)
	c.exec("INSERT INTO r VALUES (3)")
	b.g.guard.alike.mu.Lock()
	inside, marked := b.g.guard.alike.inside, b.g.guard.alike.marked != nil
	b.g.guard.alike.mu.Unlock()
	if inside != 0 || !marked {
		t.Errorf("after a statement: %d inside, marked %v", inside, marked)
	}
	marks(0)
	c.fails(1062, "INSERT INTO r VALUES (3)")
	c.exec("BEGIN")
	c.exec("DELETE FROM r")
	c.exec("ROLLBACK")
	marks(0)
	c.want("SELECT COUNT(*) FROM r", "3")
}
