package wire

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	compressHeader = 7
	// minCompress is below what a payload is sent as it is, as MariaDB does it.
	minCompress = 50
	// compressChunk is how much goes into one compressed packet: the peer must hold as much.
	compressChunk = 1 << 20
)

// compressor is the layer of compressed packets between the frames and the connection.
type compressor struct {
	nc  net.Conn
	seq uint8

	// The packet being read.
	head  [compressHeader]byte
	headN int // how much of head is there: a read that timed out goes on later
	body  packetBody
	plain int // bytes of it still to be handed out
	zr    io.ReadCloser
}

var (
	deflaters sync.Pool // *zlib.Writer
	inflaters sync.Pool // io.ReadCloser that is a zlib.Resetter
	outputs   = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// startCompression lets compressed packets begin, in both directions.
func (c *Conn) startCompression() {
	c.z = &compressor{nc: c.withBuffered()}
	c.raw = nil
}

// Read hands out what the peer compressed. While it waits for a packet it holds no buffer.
func (z *compressor) Read(p []byte) (int, error) {
	for z.plain == 0 {
		if err := z.next(); err != nil {
			return 0, err
		}
	}
	if z.zr == nil {
		n, err := z.nc.Read(p[:min(len(p), z.plain)])
		z.plain -= n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	n, err := z.zr.Read(p[:min(len(p), z.plain)])
	z.plain -= n
	if z.plain > 0 {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			z.end()
			return n, fmt.Errorf("compressed packet: %w", err)
		}
		return n, nil
	}
	// The checksum comes after the last byte.
	var more [1]byte
	if extra, err := z.zr.Read(more[:]); extra != 0 || err != io.EOF {
		z.end()
		if err == nil || err == io.EOF {
			err = ErrMalformed
		}
		return n, fmt.Errorf("compressed packet: %w", err)
	}
	left := z.body.left + z.body.w - z.body.r
	z.end()
	if left != 0 {
		return n, fmt.Errorf("compressed packet: %d bytes too many: %w", left, ErrMalformed)
	}
	return n, nil
}

// next reads the header of a compressed packet. It fails with io.EOF only between packets.
func (z *compressor) next() error {
	for z.headN < compressHeader {
		n, err := z.nc.Read(z.head[z.headN:])
		z.headN += n
		if err != nil && z.headN < compressHeader {
			if err == io.EOF && z.headN > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	z.headN = 0
	size := frameSize(z.head[:])
	z.seq = z.head[3] + 1
	z.plain = frameSize(z.head[4:])
	if z.plain == 0 {
		z.plain = size
		return nil
	}
	z.body = packetBody{nc: z.nc, left: size, block: takeBlock(smallBlock)}
	zr, _ := inflaters.Get().(io.ReadCloser)
	if zr == nil {
		r, err := zlib.NewReader(&z.body)
		if err != nil {
			z.end()
			return fmt.Errorf("compressed packet: %w", err)
		}
		zr = r
	} else if err := zr.(zlib.Resetter).Reset(&z.body, nil); err != nil {
		z.end()
		return fmt.Errorf("compressed packet: %w", err)
	}
	z.zr = zr
	return nil
}

func (z *compressor) end() {
	if z.zr != nil {
		// What it holds of the packet must not keep the connection alive in the pool.
		if z.zr.(zlib.Resetter).Reset(eofReader{}, nil) != nil {
			inflaters.Put(z.zr)
		}
		z.zr = nil
	}
	if z.body.block != nil {
		giveBlock(z.body.block)
	}
	z.body = packetBody{}
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }
func (eofReader) ReadByte() (byte, error)  { return 0, io.EOF }

// packetBody reads the body of one compressed packet, and nothing after it.
type packetBody struct {
	nc    net.Conn
	left  int
	block *block
	r, w  int
}

func (b *packetBody) fill() error {
	if b.left == 0 {
		return io.EOF
	}
	n, err := b.nc.Read(b.block.b[:min(len(b.block.b), b.left)])
	b.r, b.w = 0, n
	b.left -= n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (b *packetBody) Read(p []byte) (int, error) {
	if b.r == b.w {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.block.b[b.r:b.w])
	b.r += n
	return n, nil
}

func (b *packetBody) ReadByte() (byte, error) {
	if b.r == b.w {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	c := b.block.b[b.r]
	b.r++
	return c, nil
}

// write sends p in compressed packets.
func (z *compressor) write(p []byte) error {
	out := outputs.Get().(*bytes.Buffer)
	defer func() {
		if out.Cap() <= 2*compressChunk {
			outputs.Put(out)
		}
	}()
	out.Reset()
	for len(p) > 0 {
		n := min(len(p), compressChunk)
		if err := z.pack(out, p[:n]); err != nil {
			return err
		}
		p = p[n:]
		if out.Len() >= flushAt || len(p) == 0 {
			if _, err := z.nc.Write(out.Bytes()); err != nil {
				return err
			}
			out.Reset()
		}
	}
	return nil
}

// pack appends one compressed packet to out.
func (z *compressor) pack(out *bytes.Buffer, p []byte) error {
	at, plain := out.Len(), len(p)
	out.Write(make([]byte, compressHeader))
	if len(p) >= minCompress {
		zw, _ := deflaters.Get().(*zlib.Writer)
		if zw == nil {
			var err error
			if zw, err = zlib.NewWriterLevel(out, zlib.BestSpeed); err != nil {
				return err
			}
		} else {
			zw.Reset(out)
		}
		_, err := zw.Write(p)
		if err == nil {
			err = zw.Close()
		}
		zw.Reset(io.Discard)
		deflaters.Put(zw)
		if err != nil {
			return err
		}
	}
	size := out.Len() - at - compressHeader
	if len(p) < minCompress || size >= len(p) {
		out.Truncate(at + compressHeader)
		out.Write(p)
		size, plain = len(p), 0
	}
	h := out.Bytes()[at:]
	h[0], h[1], h[2], h[3] = byte(size), byte(size>>8), byte(size>>16), z.seq
	h[4], h[5], h[6] = byte(plain), byte(plain>>8), byte(plain>>16)
	z.seq++
	return nil
}

// withBuffered returns the connection with what was already read from it in front: a peer may begin TLS in the same segment.
func (c *Conn) withBuffered() net.Conn {
	if c.r == c.w {
		return c.watched()
	}
	p := &prefixConn{Conn: c.watched(), prefix: bytes.Clone(c.block.b[c.r:c.w])}
	c.r, c.w = 0, 0
	c.dropBlock()
	return p
}

// watched is the connection as those see it who write past Conn.Write. Over TLS it is the socket below that is watched.
func (c *Conn) watched() net.Conn {
	if c.nc == c.sock {
		return &sending{c.sock, c}
	}
	return c.nc
}

type prefixConn struct {
	net.Conn
	prefix []byte
}

func (p *prefixConn) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		if p.prefix = p.prefix[n:]; len(p.prefix) == 0 {
			p.prefix = nil
		}
		return n, nil
	}
	return p.Conn.Read(b)
}
