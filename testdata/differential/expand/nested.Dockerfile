FROM tiny
ENV X=x
ENV A=${NONE:-${ALSO:-$X}} B=${NONE:-${X}y} C=${X:+<${X}>} D="${NONE:-"quoted"}"
