package blobtest

import "math/rand/v2"

// Noise returns bytes that have nothing in common with those of other seeds.
func Noise(seed byte, length int) []byte {
	data := make([]byte, length)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data) // never fails
	return data
}
