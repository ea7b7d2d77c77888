# Module files of the site come before those of the distribution.
MODULEPATH=/usr/share/modulefiles/site${MODULEPATH:+:$MODULEPATH}
export MODULEPATH
