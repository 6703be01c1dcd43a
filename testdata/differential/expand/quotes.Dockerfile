FROM tiny
ENV X=x
ENV A='$X' B="$X" C=\$X D="\$X" E='"$X"' F="'$X'" G=a'$X'b"$X"c$X
