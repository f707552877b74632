//! Tables: sorted files that never change again.
