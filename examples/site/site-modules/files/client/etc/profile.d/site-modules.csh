# Module files of the site come before those of the distribution.
if ($?MODULEPATH) then
    setenv MODULEPATH /usr/share/modulefiles/site:$MODULEPATH
else
    setenv MODULEPATH /usr/share/modulefiles/site
endif
