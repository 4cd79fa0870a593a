//go:build unix && !linux

package main

import "syscall"

// dieWithParent: other kernels than Linux have no such service.
func dieWithParent(*syscall.SysProcAttr) {}
