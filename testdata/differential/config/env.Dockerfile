FROM tiny
ENV A=1 B="two words" C='$A' D=three\ words E= F="" G=$A
ENV A=new H=$A
ENV legacy form of env
ENV I="quoted \"quotes\"" J=it\'s K="a'b" L='a"b' M=a=b=c
