package sqlite

import "iter"

// chunks yields values as the arguments of IN (?, ?, …), in lists of few
// lengths, so that few statements are prepared. The last list is filled up with
// repeats, which change no answer.
func chunks[T any](values []T) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for len(values) > 0 {
			length := chunkLength(len(values))
			taken := min(length, len(values))
			args := make([]any, length)
			for i := range args {
				args[i] = values[min(i, taken-1)]
			}
			if !yield(args) {
				return
			}
			values = values[taken:]
		}
	}
}

func chunkLength(n int) int {
	for _, length := range []int{1, 16} {
		if n <= length {
			return length
		}
	}
	return 256
}
