FROM tiny
ENV P=/usr/lib/x.tar.gz G=aXbXc
ENV A=${P#*/} B=${P##*/} C=${P%.*} D=${P%%.*} E=${G/X/-} F=${G//X/-} H=${P#/usr} I=${G%X?} J=${G//X/}
