package collate

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// server is one session on a real MariaDB.
func server(t testing.TB) *sql.Conn {
	return farmtest.Connect(t, farmtest.Shared(t, 1).Leaves()[0]).Conn
}

// letters are what collations quarrel about: case, accents, expansions, contractions, ignorables, spaces of all kinds, digits, scripts, and
// characters beyond the first plane.
var letters = func() []rune {
	rs := []rune("  aAbBcChHlLjJzZsSdDnNyYgG019_-.,!\t\n\x01\x1f\x7fßẞæÆœøØåÅäÄöÖüÜéÉèêñÑçÇðþÞčČřšŠžŽłŁőűıİÿŸ" +
		"·ŀʼn\u00a0\u00ad\u200b\u200d\u0300\u0301\u0308\u0327\u030a\u3000\u2003αΑάςσΣωΏаАбБёЁйЙіІ" +
		"אבּשﬁﬀ①²ªK™Å\u0e40\u0e01\u0e2b\u0e49\u0f71\u0f72\u0fb2\u0f80かガがヤャ゛ー漢字가각힣\ufdfa\ufffd\uffff\u0345\u1e9e")
	return append(rs, 0x1f600, 0x1d400, 0x20000, 0x10400, 0x10428, 0x11131, 0x11127, 0x1f1e6, 0x10ffff)
}()

// alphabet finds which letters a character set has, and how it writes them.
func alphabet(t *testing.T, c *sql.Conn, charset string) [][]byte {
	t.Helper()
	var q strings.Builder
	q.WriteString("SELECT CONCAT_WS(','")
	for _, r := range letters {
		fmt.Fprintf(&q, ",HEX(CONVERT(_utf8mb4 x'%x' USING %s))", string(r), charset)
	}
	var s string
	if err := c.QueryRowContext(context.Background(), q.String()+")").Scan(&s); err != nil {
		t.Fatal(charset, err)
	}
	question := map[string]bool{"3F": true, "003F": true, "3F00": true, "0000003F": true}
	var out [][]byte
	for _, h := range strings.Split(s, ",") {
		if !question[h] {
			b, err := hex.DecodeString(h)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
	}
	return out
}

// pairs makes strings that are often nearly equal.
func pairs(r *rand.Rand, abc [][]byte, n int) [][2][]byte {
	out := make([][2][]byte, n)
	word := func(max int) (w []byte) {
		for range r.IntN(max + 1) {
			w = append(w, abc[r.IntN(len(abc))]...)
		}
		return w
	}
	spaces := func() (w []byte) {
		for range r.IntN(3) {
			w = append(w, abc[0]...)
		}
		return w
	}
	join := func(bs ...[]byte) []byte { return bytes.Join(bs, nil) }
	for i := range out {
		a := word(4)
		switch r.IntN(4) {
		case 0:
			out[i] = [2][]byte{join(a, spaces()), join(a, spaces())}
		case 1:
			out[i] = [2][]byte{join(a, word(1), spaces()), join(a, word(1), spaces())}
		case 2:
			b := word(3)
			out[i] = [2][]byte{join(a, word(1), b), join(a, word(1), b, word(1))}
		default:
			out[i] = [2][]byte{a, word(4)}
		}
	}
	return out
}

func sign(i int) int { return min(max(i, -1), 1) }

// TestEveryCollation asks the server for the order of random strings under each of its collations.
func TestEveryCollation(t *testing.T) {
	c := server(t)
	ctx := context.Background()
	rows, err := c.QueryContext(ctx, `SELECT ID, FULL_COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY`)
	if err != nil {
		t.Fatal(err)
	}
	type known struct {
		id            uint16
		name, charset string
	}
	var list []known
	for rows.Next() {
		var k known
		if err := rows.Scan(&k.id, &k.name, &k.charset); err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	abc := map[string][][]byte{}
	built, asked := 0, 0
	for _, k := range list {
		col := Lookup(k.name)
		if col == nil {
			t.Errorf("%s is not known", k.name)
			continue
		}
		if ByID(k.id) != col || col.Charset != k.charset {
			t.Errorf("%s: id %d, character set %s", k.name, col.ID, col.Charset)
		}
		if abc[k.charset] == nil {
			if k.charset == "binary" {
				abc[k.charset] = [][]byte{{' '}, {'a'}, {'A'}, {0}, {0xff}}
			} else {
				abc[k.charset] = alphabet(t, c, k.charset)
			}
		}
		n := 30
		if fullTable(col) {
			n = 400
		}
		r := rand.New(rand.NewPCG(uint64(k.id), 1))
		b, a := check(t, c, col, pairs(r, abc[k.charset], n))
		built, asked = built+b, asked+a
	}
	t.Logf("%d collations; weights of %d strings built in, of %d only a leaf knew", len(list), built, asked)
}

func fullTable(c *Collation) bool { return c.enc == encUTF8 || c.enc == encByte }

func check(t *testing.T, c *sql.Conn, col *Collation, ps [][2][]byte) (built, asked int) {
	t.Helper()
	bad := 0
	for len(ps) > 0 {
		n := min(len(ps), 150)
		var q strings.Builder
		for i, p := range ps[:n] {
			if i > 0 {
				q.WriteString(" UNION ALL ")
			}
			x := fmt.Sprintf("_%s x'%x' COLLATE `%s`", col.Charset, p[0], col.Name)
			y := fmt.Sprintf("_%s x'%x' COLLATE `%s`", col.Charset, p[1], col.Name)
			fmt.Fprintf(&q, "SELECT STRCMP(%s, %s), %s = %s, WEIGHT_STRING(%s), WEIGHT_STRING(%s)", x, y, x, y, x, y)
		}
		rows, err := c.QueryContext(context.Background(), q.String())
		if err != nil {
			t.Fatalf("%s: %v", col.Name, err)
		}
		for i := 0; rows.Next(); i++ {
			var cmp int
			var eq bool
			var w [2][]byte
			if err := rows.Scan(&cmp, &eq, &w[0], &w[1]); err != nil {
				t.Fatal(err)
			}
			p := ps[i]
			got := sign(col.Compare(w[0], w[1]))
			same := bytes.Equal(col.AppendKey(nil, w[0]), col.AppendKey(nil, w[1]))
			if (got != cmp || same != eq) && col.Sound() {
				if bad++; bad < 4 {
					t.Errorf("%s: %x and %x: compared %d, server %d; same key %v, server %v; weights %x and %x", col.Name, p[0], p[1], got, cmp, same, eq, w[0], w[1])
				}
			}
			for j := range w {
				ws, err := col.AppendWeights(nil, p[j])
				switch {
				case errors.Is(err, ErrAskLeaf):
					asked++
				case err != nil:
					t.Errorf("%s: %x: %v", col.Name, p[j], err)
				case !bytes.Equal(ws, w[j]):
					if bad++; bad < 4 {
						t.Errorf("%s: weights of %x are %x, server %x", col.Name, p[j], ws, w[j])
					}
				default:
					built++
				}
				if k := col.TrimKey(append([]byte("x"), w[j]...), 1); !bytes.Equal(k[1:], col.AppendKey(nil, w[j])) {
					t.Errorf("%s: TrimKey %x", col.Name, k)
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", col.Name, err)
		}
		ps = ps[n:]
	}
	return built, asked
}
