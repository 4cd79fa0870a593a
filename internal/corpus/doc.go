// Package corpus gives tests the statements of the parser's corpus: those written down in internal/sqltext/testdata, and those of its forms.
//
// A form is a statement with alternatives, `select [all|distinct|] a from t1`, as manuals write grammar. So thousands of statements are a file that can be read, and what is
// missing is added by a line. A place is a statement with a W for any word, which finds keywords that are names and names that are keywords.
//
// The parser's own tests read them, and internal/equivalence asks MariaDB and a node about each. What forms stand for is tested here.
package corpus
