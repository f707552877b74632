# LevelDB asks whether the compiler knows Clang's thread annotations, and takes GCC's silence about them for a yes.
set(HAVE_CLANG_THREAD_SAFETY OFF CACHE BOOL "Clang's thread annotations")
