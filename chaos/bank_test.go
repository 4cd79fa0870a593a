package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// ledgerOf is a ledger of one transfer, of 5 from account 1 to account 2.
func ledgerOf(o outcome, told string) *ledger {
	return &ledger{transfers: map[int64]*transfer{7: {number: 7, deltas: map[int64]int64{1: -5, 2: 5}, outcome: o, id: "a-b", told: told}}}
}

// sums are the accounts, with changes.
func sumsWith(changes map[int64]int64) (out []int64) {
	for id := range int64(accounts) {
		out = append(out, id, firstSum+changes[id])
	}
	return out
}

func TestLedger(t *testing.T) {
	there, gone := []int64{7, 1, -5, 7, 2, 5}, []int64(nil)
	moved, still := sumsWith(map[int64]int64{1: -5, 2: 5}), sumsWith(nil)
	for _, c := range []struct {
		what       string
		l          *ledger
		rows, sums []int64
		want       string // of what is wrong, parts in order; "" for nothing
	}{
		{"acknowledged and there", ledgerOf(done, ""), there, moved, ""},
		{"acknowledged and gone", ledgerOf(done, ""), gone, still, "acknowledged, and is not there"},
		{"failed and gone", ledgerOf(failed, ""), gone, still, ""},
		{"failed and there", ledgerOf(failed, ""), there, moved, "failed, and is there"},
		{"unknown and there", ledgerOf(unknown, ""), there, moved, ""},
		{"unknown and gone", ledgerOf(unknown, ""), gone, still, ""},
		{"told and there", ledgerOf(unknown, committedState), there, moved, ""},
		{"told and gone", ledgerOf(unknown, rolledBackState), gone, still, ""},
		{"told to be committed", ledgerOf(unknown, committedState), gone, still, "is not there, and was told to be committed"},
		{"told to be rolled back", ledgerOf(unknown, rolledBackState), there, moved, "is there, and was told to be rolled back"},
		{"half", ledgerOf(unknown, ""), there[:3], sumsWith(map[int64]int64{1: -5}), "the sum is 47995|is there in part"},
		{"another sum", ledgerOf(done, ""), []int64{7, 1, -6, 7, 2, 5}, sumsWith(map[int64]int64{1: -6, 2: 5}), "the sum is 47999|-6 at account 1, not -5"},
		{"nobody's", ledgerOf(done, ""), append(slices.Clone(there), 8, 3, 0), moved, "transfer 8, which nobody made"},
		{"an account without its journal", ledgerOf(done, ""), there, sumsWith(map[int64]int64{1: -5, 2: 5, 3: 1, 4: -1}), "account 3 is 1001|account 4 is 999"},
		{"accounts missing", ledgerOf(done, ""), there, moved[:2*accounts-2], "47 accounts|the sum is 47000"},
	} {
		wrong := c.l.compare(c.rows, c.sums, map[string]int{})
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "|")
		}
		ok := len(wrong) == len(want)
		for i := range min(len(wrong), len(want)) {
			ok = ok && strings.Contains(wrong[i], want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.what, wrong, want)
		}
	}
}

func TestTransactionsID(t *testing.T) {
	for text, want := range map[string]string{
		"it is unknown whether transaction 694d8a1c3b2f7a05-61f2a9c3b4d5e was committed at bank:1": "694d8a1c3b2f7a05-61f2a9c3b4d5e",
		"Deadlock found when trying to get lock":                                                   "",
		"bank:0 at leaf-1 was lost":                                                                "",
	} {
		if id := (&transaction{err: &mysql.MySQLError{Number: 1180, Message: text}}).id(); id != want {
			t.Errorf("%q of %q", id, text)
		}
	}
}
