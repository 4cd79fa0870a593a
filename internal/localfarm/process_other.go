//go:build unix && !linux

package localfarm

import "syscall"

// dieWithParent: other kernels than Linux have no such service; there a killed parent leaves its servers, and the next start says
// which port or file is taken.
func dieWithParent(*syscall.SysProcAttr) {}
