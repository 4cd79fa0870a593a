package tpch

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// Data is a data set. The same values give the same rows.
type Data struct {
	Scale float64 // 1 is about a gigabyte
	Seed  uint64
}

// Rows is how many rows a table has; of lineitem about how many.
func (d Data) Rows(table string) int {
	n := map[string]int{"supplier": 10_000, "part": 200_000, "partsupp": 800_000, "customer": 150_000, "orders": 1_500_000, "lineitem": 6_000_000}[table]
	switch table {
	case "region":
		return len(regions)
	case "nation":
		return len(nations)
	}
	return max(int(float64(n)*d.Scale), 1)
}

// Write writes a table's rows as LOAD DATA reads them.
func (d Data) Write(to io.Writer, table string) error {
	w := &writer{Writer: bufio.NewWriterSize(to, 1<<16), data: d}
	w.rand = rand.New(&w.source)
	n := d.Rows(table)
	switch table {
	case "region":
		for i, name := range regions {
			w.begin("region", i)
			w.row(i, name, w.text(31, 115))
		}
	case "nation":
		for i, nation := range nations {
			w.begin("nation", i)
			w.row(i, nation.name, nation.region, w.text(31, 114))
		}
	case "supplier":
		complaints, recommends := w.chosen(n)
		for i := 1; i <= n; i++ {
			w.supplier(i, complaints[i], recommends[i])
		}
	case "part":
		for i := 1; i <= n; i++ {
			w.part(i)
		}
	case "partsupp":
		parts, suppliers := d.Rows("part"), d.Rows("supplier")
		for i := 1; i <= parts; i++ {
			w.begin("partsupp", i)
			for j := range 4 {
				w.row(i, supplierOf(i, j, suppliers), w.between(1, 9999), money(w.between(100, 100_000)), w.text(49, 198))
			}
		}
	case "customer":
		for i := 1; i <= n; i++ {
			w.begin("customer", i)
			nation := w.rand.IntN(len(nations))
			w.row(i, fmt.Sprintf("Customer#%09d", i), w.address(), nation, w.phone(nation), money(w.between(-99_999, 999_999)), pick(w, segments), w.text(29, 116))
		}
	case "orders", "lineitem":
		for i := range d.Rows("orders") {
			w.order(i, table)
		}
	default:
		return fmt.Errorf("there is no table %s", table)
	}
	return w.Flush()
}

// writer makes rows. What it makes of a row's numbers depends on the row's key alone.
type writer struct {
	*bufio.Writer
	data   Data
	source rand.PCG
	rand   *rand.Rand
	line   []byte
}

var streams = map[string]uint64{"region": 1, "nation": 2, "supplier": 3, "part": 4, "partsupp": 5, "customer": 6, "order": 7, "complaints": 8}

// begin makes the next random numbers those of a row.
func (w *writer) begin(table string, key int) {
	w.source.Seed(w.data.Seed*1_000_003+streams[table], uint64(key))
}

// between is a number from low to high.
func (w *writer) between(low, high int) int { return low + w.rand.IntN(high-low+1) }

func pick(w *writer, from []string) string { return from[w.rand.IntN(len(from))] }

// money is an amount in cents.
type money int

// row writes one. A failure is told by Flush.
func (w *writer) row(values ...any) {
	b := w.line[:0]
	for i, v := range values {
		if i > 0 {
			b = append(b, '\t')
		}
		switch v := v.(type) {
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case string:
			b = append(b, v...)
		case money:
			if v < 0 {
				b, v = append(b, '-'), -v
			}
			b = strconv.AppendInt(b, int64(v/100), 10)
			b = append(b, '.', byte('0'+v/10%10), byte('0'+v%10))
		case day:
			b = v.time().AppendFormat(b, time.DateOnly)
		}
	}
	w.line = append(b, '\n')
	_, _ = w.Writer.Write(w.line)
}

// text is a piece of the specification's grammar (4.2.2.14), at least low and at most high characters long.
func (w *writer) text(low, high int) string {
	n := w.between(low, high)
	b := make([]byte, 0, n+100)
	for len(b) < n {
		b = w.sentence(b)
	}
	return string(b[:n])
}

func (w *writer) sentence(b []byte) []byte {
	word := func(from []string) { b = append(append(b, pick(w, from)...), ' ') }
	noun := func() {
		switch w.rand.IntN(4) {
		case 1:
			word(adjectives)
		case 2:
			word(adjectives)
			b[len(b)-1] = ','
			b = append(b, ' ')
			word(adjectives)
		case 3:
			word(adverbs)
			word(adjectives)
		}
		word(nouns)
	}
	noun()
	if w.rand.IntN(2) == 0 {
		word(adverbs)
	}
	word(verbs)
	if w.rand.IntN(2) == 0 {
		word(prepositions)
		b = append(b, "the "...)
		noun()
	}
	b = append(b[:len(b)-1], pick(w, terminators)...)
	return append(b, ' ')
}

const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ, "

func (w *writer) address() string {
	b := make([]byte, w.between(10, 40))
	for i := range b {
		b[i] = letters[w.rand.IntN(len(letters))]
	}
	return string(b)
}

func (w *writer) phone(nation int) string {
	return fmt.Sprintf("%d-%03d-%03d-%04d", nation+10, w.between(100, 999), w.between(100, 999), w.between(1000, 9999))
}

// chosen are the suppliers that customers have complained about, one in 2000, and as many that they recommend.
func (w *writer) chosen(n int) (complaints, recommends map[int]bool) {
	w.begin("complaints", 0)
	complaints, recommends = map[int]bool{}, map[int]bool{}
	few := max(n/2000, 1)
	for i, s := range w.rand.Perm(n)[:min(2*few, n)] {
		if i < few {
			complaints[s+1] = true
		} else {
			recommends[s+1] = true
		}
	}
	return complaints, recommends
}

func (w *writer) supplier(i int, complaints, recommends bool) {
	w.begin("supplier", i)
	nation := w.rand.IntN(len(nations))
	address, phone, balance, comment := w.address(), w.phone(nation), money(w.between(-99_999, 999_999)), w.text(25, 100)
	what := ""
	switch {
	case complaints:
		what = "Complaints"
	case recommends:
		what = "Recommends"
	}
	if what != "" {
		comment = "Customer " + comment[:5] + what + comment[5:]
		comment = comment[:min(len(comment), 101)]
	}
	w.row(i, fmt.Sprintf("Supplier#%09d", i), address, nation, phone, balance, comment)
}

func (w *writer) part(i int) {
	w.begin("part", i)
	name := ""
	for j, c := range w.rand.Perm(len(colors))[:5] {
		if j > 0 {
			name += " "
		}
		name += colors[c]
	}
	maker := w.between(1, 5)
	w.row(i, name, fmt.Sprintf("Manufacturer#%d", maker), fmt.Sprintf("Brand#%d%d", maker, w.between(1, 5)), pick(w, types[0])+" "+pick(w, types[1])+" "+pick(w, types[2]), w.between(1, 50),
		pick(w, containers[0])+" "+pick(w, containers[1]), price(i), w.text(5, 22))
}

// price is a part's.
func price(part int) money { return money(90_000 + part/10%20_001 + 100*(part%1000)) }

// supplierOf is the j-th of the four suppliers of a part.
func supplierOf(part, j, suppliers int) int {
	return (part+j*(suppliers/4+(part-1)/suppliers))%suppliers + 1
}

// day is a number of days since the first of all orders.
type day int

var (
	firstDay = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)
	today    = dayOf(1995, 6, 17) // CURRENTDATE of the specification
	lastDay  = dayOf(1998, 12, 31)
)

func dayOf(year, month, d int) day {
	return day(time.Date(year, time.Month(month), d, 0, 0, 0, 0, time.UTC).Sub(firstDay) / (24 * time.Hour))
}

func (d day) time() time.Time { return firstDay.AddDate(0, 0, int(d)) }

// order makes an order, or its lines: both are made of the same numbers.
func (w *writer) order(i int, table string) {
	key := i/8*32 + i%8 + 1 // a quarter of the keys is used
	w.begin("order", key)
	customers, parts, suppliers := w.data.Rows("customer"), w.data.Rows("part"), w.data.Rows("supplier")
	customer := w.between(1, customers)
	for customer%3 == 0 { // a third of the customers has no orders
		customer = w.between(1, customers)
	}
	at := day(w.between(0, int(lastDay)-151))
	shipped, lines := 0, w.between(1, 7)
	total := 0
	for line := 1; line <= lines; line++ {
		part := w.between(1, parts)
		supplier := supplierOf(part, w.rand.IntN(4), suppliers)
		quantity, discount, tax := w.between(1, 50), w.between(0, 10), w.between(0, 8)
		extended := money(quantity) * price(part)
		ship, commit := at+day(w.between(1, 121)), at+day(w.between(30, 90))
		receipt := ship + day(w.between(1, 30))
		flag, status := "N", "O"
		if receipt <= today {
			flag = pick(w, []string{"R", "A"})
		}
		if ship <= today {
			status = "F"
			shipped++
		}
		total += (int(extended)*(100+tax)*(100-discount) + 5000) / 10_000
		instruction, mode, comment := pick(w, instructions), pick(w, modes), w.text(10, 43)
		if table == "lineitem" {
			w.row(key, part, supplier, line, money(100*quantity), extended, money(discount), money(tax), flag, status, ship, commit, receipt, instruction, mode, comment)
		}
	}
	if table == "lineitem" {
		return
	}
	status := "P"
	switch shipped {
	case 0:
		status = "O"
	case lines:
		status = "F"
	}
	clerks := max(int(1000*w.data.Scale), 1)
	w.row(key, customer, status, money(total), at, pick(w, priorities), fmt.Sprintf("Clerk#%09d", w.between(1, clerks)), 0, w.text(19, 78))
}
