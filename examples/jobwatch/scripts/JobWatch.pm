package JobWatch;

# What the hooks of this package share.

use strict;
use warnings;

# The answers of the configurator: name => value. Of several values of one name the last one counts.
sub read_values {
    my ($path) = @_;
    my %values;
    open my $in, '<', $path or die "cannot read $path: $!\n";
    my $text = do { local $/; <$in> };
    close $in;
    while ($text =~ m{<(\w+)>([^<]*)</\1>}g) {
        my ($name, $value) = ($1, $2);
        $value =~ s/&lt;/</g;
        $value =~ s/&gt;/>/g;
        $value =~ s/&quot;/"/g;
        $value =~ s/&amp;/&/g;
        $values{$name} = $value;
    }
    return \%values;
}

1;
