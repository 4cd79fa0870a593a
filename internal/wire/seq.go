package wire

// SetSeq says which number the next frame has, read or written. It takes a Conn back from [Conn.SetPipelined]: once the answers of all
// commands but the last are read, SetSeq(1) has the last one's checked again, and gives what is written in the midst of it (the data of
// LOAD DATA LOCAL) the right numbers.
func (c *Conn) SetSeq(n uint8) { c.rseq, c.wseq = n, n }
