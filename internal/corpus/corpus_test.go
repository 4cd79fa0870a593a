package corpus

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for form, want := range map[string][]string{
		"select 1":                        {"select 1"},
		"select [all|distinct|] a":        {"select all a", "select distinct a", "select a"},
		"[a|b][|, c]":                     {"a", "b", "a, c", "b, c"},
		"x [a [1|2]|b [|3] c] y | z":      {"x a 1 y | z", "x a 2 y | z", "x b c y | z", "x b 3 c y | z"},
		"[begin|[start|] transaction|] ;": {"begin ;", "start transaction ;", "transaction ;", ";"},
	} {
		got, err := Expand(form, Most)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", form, got, err, want)
		}
	}
	for _, form := range []string{"a [b", "[a|[b|c]"} {
		if got, err := Expand(form, Most); !errors.Is(err, errBrackets) {
			t.Errorf("%s: %q, %v", form, got, err)
		}
	}
}

// TestExpandMany holds that of a form of too many statements each alternative is in some, and that these are the same ones every time.
func TestExpandMany(t *testing.T) {
	const form = "[a|b|c] [d|e|f|g] [h|i [1|2|3]|j] [k|l]"
	got, err := Expand(form, Most)
	again, _ := Expand(form, Most)
	if err != nil || len(got) != Most || !slices.Equal(got, again) {
		t.Fatal(got, again, err)
	}
	all := strings.Join(got, " ") + " "
	for word := range strings.FieldsSeq("a b c d e f g h i 1 2 3 j k l") {
		if !strings.Contains(all, word+" ") {
			t.Errorf("%s is in none of %q", word, got)
		}
	}
}
