# SPDX-License-Identifier: Apache-2.0
# Plays all dialogs over memory, in three chunkings. The program that does it
# is the one that authors of plugins have.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/lib";
use QP::Dialog;

QP::Dialog->exec_player(
    map { $_->{file} } grep { $_->wants(transports => 'memory') }
    map { QP::Dialog->load($_) } sort glob "$FindBin::Bin/dialog/*.smtp");
