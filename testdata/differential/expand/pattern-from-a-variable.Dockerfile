FROM tiny
ENV P=/a/b/c CUT=/a STAR=* PART=a*b
ENV A=${P#$CUT} B=${P#${CUT}/} C=${PART%\*b}
