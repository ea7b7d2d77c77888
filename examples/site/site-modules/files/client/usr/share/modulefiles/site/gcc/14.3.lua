help([[GNU compilers 14.3, of the shared file system]])
whatis("GNU compilers 14.3")
family("compiler")
local base = "/sw/gcc/14.3"
prepend_path("PATH", pathJoin(base, "bin"))
prepend_path("LD_LIBRARY_PATH", pathJoin(base, "lib64"))
prepend_path("MANPATH", pathJoin(base, "share/man"))
