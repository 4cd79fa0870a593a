package xid

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// ID names a transaction over several places in the whole cluster, for good.
type ID struct {
	// Owner is the incarnation of the node that it is of: the node's lease in the catalog.
	Owner uint64
	// Seq grows within an owner. It is the time of the transaction's birth in microseconds since 1970, or a little more.
	Seq uint64
}

// String is what errors and statements call the transaction: owner and number in hexadecimal, with a dash between them.
func (id ID) String() string {
	return strconv.FormatUint(id.Owner, 16) + "-" + strconv.FormatUint(id.Seq, 16)
}

// IsZero says that the ID names no transaction.
func (id ID) IsZero() bool { return id == ID{} }

// Born is when the transaction got its ID, by its owner's clock.
func (id ID) Born() time.Time { return time.UnixMicro(int64(id.Seq)) }

// ErrNoID is wrapped by the error of ParseID.
var ErrNoID = errors.New("not a transaction's id")

// ParseID reads what ID.String has written.
func ParseID(text string) (ID, error) {
	owner, seq, ok := strings.Cut(text, "-")
	id := ID{}
	if ok {
		id.Owner, ok = number(owner, 16)
	}
	if ok {
		id.Seq, ok = number(seq, 16)
	}
	if !ok {
		return ID{}, fmt.Errorf("%w: %q; an id is two hexadecimal numbers with a dash between them, as errors and SHOW TRANSACTION STATUS print it", ErrNoID, text)
	}
	return id, nil
}

// number reads a number as strconv.FormatUint writes it, and no other way: what is read is the same as what was written.
func number(text string, base int) (uint64, bool) {
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil && strconv.FormatUint(n, base) == text
}

// Branch is what an XID names, whichever connection has prepared it.
type Branch struct {
	ID
	Place uint64
}

// Branch is the branch of an XID.
func (x XID) Branch() Branch { return Branch{x.ID, x.Place} }

// XID is the identifier of a branch: what XA START and XA RECOVER call the part of a transaction at one place.
type XID struct {
	ID
	// Decider is the hash (PlaceHash) of the partition that decides whether the transaction is committed; 0: the catalog does.
	Decider uint64
	// Place is the hash of the branch's own partition, PlaceShape or PlaceRemote.
	Place uint64
	// Thread is the connection at its leaf that the branch was begun on: as long as it is open nobody else can end the branch.
	Thread uint64
}

// What XID.Place is for a branch that is no partition's: their texts are s and r, and PlaceHash never gives them.
const (
	PlaceRemote uint64 = 27 // a server of linked tables
	PlaceShape  uint64 = 28 // a leaf's shapes
)

// XIDFormat is the format of our branches' identifiers.
const XIDFormat = 20311

// xidMark begins a branch's global part, with the version of how it is written.
const xidMark = "ow1."

// PlaceHash is what branches call a partition: FNV-1a of its name.
func PlaceHash(p topo.PartitionID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.String()))
	sum := h.Sum64()
	if sum < 64 { // 0, PlaceRemote and PlaceShape have meanings of their own
		sum += 64
	}
	return sum
}

// Gtrid is the part of the identifier that all branches of a transaction have alike.
func (x XID) Gtrid() string {
	return xidMark + base36(x.Owner) + "." + base36(x.Seq) + "." + base36(x.Decider)
}

func (x XID) bqual() string { return base36(x.Place) + "." + base36(x.Thread) }

func base36(n uint64) string { return strconv.FormatUint(n, 36) }

// SQL is the identifier as XA statements want it.
func (x XID) SQL() string {
	return "'" + x.Gtrid() + "','" + x.bqual() + "'," + strconv.Itoa(XIDFormat)
}

// Listed reads a row of XA RECOVER: format, the lengths of the two parts, both parts. false: the branch is not one of ours.
func Listed(row [][]byte) (XID, bool) {
	if len(row) != 4 {
		return XID{}, false
	}
	format, err1 := strconv.ParseInt(string(row[0]), 10, 64)
	g, err2 := strconv.Atoi(string(row[1]))
	b, err3 := strconv.Atoi(string(row[2]))
	if err1 != nil || err2 != nil || err3 != nil || g < 0 || b < 0 || g+b > len(row[3]) {
		return XID{}, false
	}
	return ParseXID(format, row[3][:g], row[3][g:g+b])
}

// ParseXID reads the two parts of a branch's identifier. false: it is not one of ours.
func ParseXID(format int64, gtrid, bqual []byte) (XID, bool) {
	rest, ours := strings.CutPrefix(string(gtrid), xidMark)
	if !ours || format != XIDFormat {
		return XID{}, false
	}
	var x XID
	global, local := strings.Split(rest, "."), strings.Split(string(bqual), ".")
	ours = read(global, &x.Owner, &x.Seq, &x.Decider) && read(local, &x.Place, &x.Thread)
	if !ours {
		return XID{}, false
	}
	return x, true
}

func read(parts []string, to ...*uint64) bool {
	if len(parts) != len(to) {
		return false
	}
	for i, p := range parts {
		n, ok := number(p, 36)
		if !ok {
			return false
		}
		*to[i] = n
	}
	return true
}
