help([[Open MPI 5.0.7, of the shared file system]])
whatis("Open MPI 5.0.7")
family("mpi")
local base = "/sw/openmpi/5.0.7"
prepend_path("PATH", pathJoin(base, "bin"))
prepend_path("LD_LIBRARY_PATH", pathJoin(base, "lib64"))
prepend_path("MANPATH", pathJoin(base, "share/man"))
