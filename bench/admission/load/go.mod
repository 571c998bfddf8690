module zonespread.io/bench/admission/load

go 1.26.0
