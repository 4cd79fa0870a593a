package main

import "fmt"

// run is one operation: its statements, and what the model says of their answers.
func (cl *client) run(q *query, kind int) error {
	keys := cl.l.keys(cl.id)
	key := keys[cl.rand.IntN(len(keys))]
	switch kind {
	case opCount:
		affected := q.exec("UPDATE chaos.counter SET n = n + 1 WHERE id = ?", key)
		cl.counters[key].added(q.outcome())
		if q.err == nil && affected != 1 {
			return broken(false, "counter %d: %d rows changed", key, affected)
		}
	case opCounted:
		n := q.ints("SELECT n FROM chaos.counter WHERE id = ?", key)
		return cl.one(q, "counter", key, n, cl.counters[key].read)
	case opReplace:
		return cl.replace(q, key)
	case opRead:
		v := q.ints("SELECT v FROM chaos.register WHERE id = ?", key)
		return cl.one(q, "register", key, v, cl.registers[key].read)
	case opInsert:
		cl.nextRow++
		q.exec("INSERT INTO chaos.log (id, client, note) VALUES (?, ?, 'one')", cl.nextRow, cl.id)
		cl.log.inserted(cl.nextRow, q.outcome())
	case opInsertMany:
		cl.insertMany(q)
	case opDelete:
		id, ok := cl.log.take(cl.rand.IntN(1 << 30))
		if !ok || len(cl.log.present) < 50 {
			if ok {
				cl.log.present = append(cl.log.present, id)
			}
			return nil
		}
		affected := q.exec("DELETE FROM chaos.log WHERE id = ?", id)
		return cl.log.deleted(id, q.outcome(), affected == 1)
	case opFind:
		id := int64(cl.id)<<32 + 1 + cl.rand.Int64N(max(1, cl.nextRow-int64(cl.id)<<32))
		found := q.ints("SELECT id FROM chaos.log WHERE id = ?", id)
		if _, known := cl.log.state[id]; q.err != nil || !known {
			return nil
		}
		return cl.log.read(id, len(found) == 1)
	case opTransfer:
		cl.transfer(q, key)
	case opBalance:
		return cl.balance(q, key)
	case opReference:
		if cl.rand.IntN(2) > 0 { // each is a commit on every leaf
			return nil
		}
		q.exec("UPDATE chaos.reference SET n = n + 1 WHERE id = ?", cl.id)
		cl.reference.added(q.outcome())
	case opReferenced:
		n := q.ints("SELECT n FROM chaos.reference WHERE id = ?", cl.id)
		return cl.one(q, "reference", int64(cl.id), n, cl.reference.within)
	}
	return nil
}

// one hands the only number of an answer to a model.
func (cl *client) one(q *query, what string, key int64, n []int64, read func(int64) error) error {
	switch {
	case q.err != nil:
		return nil
	case len(n) != 1:
		return broken(false, "%s %d: %d rows", what, key, len(n))
	}
	if err := read(n[0]); err != nil {
		b := err.(*breach) // as all that models say
		return broken(b.stale, "%s %d: %s", what, key, b.what)
	}
	return nil
}

func (cl *client) replace(q *query, key int64) error {
	r := cl.registers[key]
	if !r.certain() {
		v := q.ints("SELECT v FROM chaos.register WHERE id = ?", key)
		return cl.one(q, "register", key, v, r.read)
	}
	v := r.next()
	changed := q.exec("UPDATE chaos.register SET v = ? WHERE id = ? AND v = ?", v, key, r.base)
	if err := r.wrote(v, q.outcome(), changed == 1); err != nil {
		b := err.(*breach)
		return broken(b.stale, "register %d: %s", key, b.what)
	}
	return nil
}

// insertMany writes rows of several partitions with one statement. What fails may be there in part: error 1180 says where.
func (cl *client) insertMany(q *query) {
	first := cl.nextRow + 1
	cl.nextRow += 3
	q.exec("INSERT INTO chaos.log (id, client, note) VALUES (?, ?, 'a'), (?, ?, 'b'), (?, ?, 'c')", first, cl.id, first+1, cl.id, first+2, cl.id)
	for id := first; id < first+3; id++ {
		cl.log.inserted(id, q.outcome())
	}
}

// transfer is a transaction of one partition: what one account gains the other loses, and an entry tells.
func (cl *client) transfer(q *query, owner int64) {
	rs := cl.entries[owner]
	seq := int64(len(rs.state)) + 1
	delta := cl.rand.Int64N(1000) + 1
	q.begin()
	q.exec("UPDATE chaos.account SET n = n + ? WHERE owner = ? AND k = 1", delta, owner)
	q.exec("INSERT INTO chaos.entry VALUES (?, ?, ?)", owner, seq, delta)
	q.exec("UPDATE chaos.account SET n = n - ? WHERE owner = ? AND k = 2", delta, owner)
	q.commit()
	rs.inserted(seq, q.outcome())
	cl.deltas[owner][seq] = delta
}

// balance reads what one statement sees of an owner: the accounts are even, and the entries tell what they hold.
func (cl *client) balance(q *query, owner int64) error {
	n := q.ints(`SELECT a.n, b.n, (SELECT COALESCE(SUM(delta), 0) FROM chaos.entry WHERE owner = ?)
		FROM chaos.account a JOIN chaos.account b ON b.owner = a.owner WHERE a.owner = ? AND a.k = 1 AND b.k = 2`, owner, owner)
	if q.err != nil {
		return nil
	}
	if len(n) != 3 || n[0]+n[1] != 0 || n[0] != n[2] {
		return broken(false, "owner %d: accounts and entries are %v", owner, n)
	}
	return nil
}

// finish checks all that a client knows, at one node, when nothing is under way any more.
func (cl *client) finish(q *query) (errs []error) {
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, key := range cl.l.keys(cl.id) {
		add(cl.one(q, "counter", key, q.ints("SELECT n FROM chaos.counter WHERE id = ?", key), cl.counters[key].read))
		add(cl.one(q, "register", key, q.ints("SELECT v FROM chaos.register WHERE id = ?", key), cl.registers[key].read))
		seqs := q.ints("SELECT seq FROM chaos.entry WHERE owner = ?", key)
		if q.err == nil {
			for _, err := range cl.entries[key].all(seqs) {
				add(fmt.Errorf("owner %d: entry %w", key, err))
			}
			sum := int64(0)
			for _, seq := range seqs {
				sum += cl.deltas[key][seq]
			}
			if n := q.ints("SELECT n FROM chaos.account WHERE owner = ? ORDER BY k", key); q.err == nil && (len(n) != 2 || n[0] != sum || n[1] != -sum) {
				add(broken(false, "owner %d: the accounts are %v, the entries' sum is %d", key, n, sum))
			}
		}
	}
	add(cl.one(q, "reference", int64(cl.id), q.ints("SELECT n FROM chaos.reference WHERE id = ?", cl.id), cl.reference.within))
	if ids := q.ints("SELECT id FROM chaos.log WHERE client = ?", cl.id); q.err == nil {
		errs = append(errs, cl.log.all(ids)...)
	}
	add(q.err)
	return errs
}
