# escape=`
FROM tiny
ENV X=x
ENV A=`$X B=\$X C="``" D=a`
b
