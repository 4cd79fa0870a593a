package wire

import "sync"

// Buffers come in three sizes. A Conn begins with a small one, goes over to a large one where reads fill it, and takes a huge one
// only for a single frame that needs it; what is larger still is left to the garbage collector.
const (
	smallBlock = 16 << 10
	largeBlock = flushAt + direct + 8<<10 // what the writer gathers, and the frame that passes flushAt
	hugeBlock  = 1 << 20
)

type block struct{ b []byte }

var (
	smallPool = sync.Pool{New: func() any { return &block{make([]byte, smallBlock)} }}
	largePool = sync.Pool{New: func() any { return &block{make([]byte, largeBlock)} }}
	hugePool  = sync.Pool{New: func() any { return &block{make([]byte, hugeBlock)} }}
)

// takeBlock returns a block of at least n bytes, of at most hugeBlock.
func takeBlock(n int) *block {
	switch {
	case n <= smallBlock:
		return smallPool.Get().(*block)
	case n <= largeBlock:
		return largePool.Get().(*block)
	}
	return hugePool.Get().(*block)
}

func giveBlock(b *block) {
	switch len(b.b) {
	case smallBlock:
		smallPool.Put(b)
	case largeBlock:
		largePool.Put(b)
	case hugeBlock:
		hugePool.Put(b)
	}
}
