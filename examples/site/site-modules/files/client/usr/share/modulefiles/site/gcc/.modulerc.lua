module_version("gcc/15.1", "default")
