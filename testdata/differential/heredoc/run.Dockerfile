FROM box
RUN <<EOF
echo one > /out
X=two
echo $X >> /out
EOF
RUN <<-EOF
	echo tabs > /tabs
	EOF
