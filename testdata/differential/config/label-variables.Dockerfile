FROM tiny
ENV V=value
LABEL $V=key a=$V b='$V' c="${V}s" d=\$V
