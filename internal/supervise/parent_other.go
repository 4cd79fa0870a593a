//go:build unix && !linux

package supervise

import "syscall"

// DieWithParent: other kernels than Linux have no such service; there a killed parent leaves its children, and the next start says
// which port or file is taken.
func DieWithParent(*syscall.SysProcAttr) {}
