package collate

import (
	"math/rand/v2"
	"testing"
)

// A Comparer skips what two strings begin with alike, and must say the same as the weights of the whole strings.
func TestComparerAgreesWithWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "A", "ä", "b", " ", "ß", "é", "e", "日", "本", "😀", "0", "\u0301", "Z", "z"}
	for _, name := range []string{"utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_unicode_ci", "utf8mb4_general_nopad_ci", "utf8mb3_general_ci"} {
		c := Lookup(name)
		if c == nil {
			t.Fatal("no collation " + name)
		}
		if !c.Whole() {
			t.Logf("%s is not whole", name)
			continue
		}
		p := NewComparer(c)
		word := func() []byte {
			var s []byte
			for range r.IntN(6) {
				s = append(s, alphabet[r.IntN(len(alphabet))]...)
			}
			return s
		}
		for range 20000 {
			a, b := word(), word()
			x, err1 := c.AppendWeights(nil, a)
			y, err2 := c.AppendWeights(nil, b)
			if err1 != nil || err2 != nil {
				continue // an emoji in utf8mb3
			}
			if got, want := sign(p.Compare(a, b)), sign(c.Compare(x, y)); got != want {
				t.Fatalf("%s: %q against %q: %d, want %d", name, a, b, got, want)
			}
		}
	}
}

func TestWhole(t *testing.T) {
	for name, want := range map[string]bool{
		"utf8mb4_general_ci": true, "utf8mb4_bin": true, "latin1_swedish_ci": true, "latin1_bin": true,
		"utf8mb4_uca1400_ai_ci": false, "utf8mb4_czech_ci": false, "utf8mb4_uca1400_as_cs": false, "big5_chinese_ci": false, "binary": false,
	} {
		c := Lookup(name)
		if c == nil {
			t.Errorf("no collation %s", name)
		} else if c.Whole() != want {
			t.Errorf("%s: whole is %v", name, c.Whole())
		}
	}
}
