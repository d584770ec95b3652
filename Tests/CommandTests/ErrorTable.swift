/// What commands say of wrong files: the place, the kind of file, the exit status, and the line without `error: `.
///
/// FILE is the wrong file, FOLDER its folder.
enum ErrorTable {
  static let lines = """
    stream --model | missing | 66 | FILE: no such file; check the path
    stream --model | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --model | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    stream --float | missing | 66 | FILE: no such file; check the path
    stream --float | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --float | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    stream --record .hea | missing | 66 | FILE: no such file; check the path
    stream --record .hea | empty | 65 | FILE: the header is empty; fetch or write the record again
    stream --record .hea | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --record .hea | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    stream --record .hea | noise | 65 | FILE:line 1: has no number of signals; correct the header or fetch the record again
    stream --record .hea | page | 65 | FILE:line 1: has 'html>' for its number of signals; correct the header or fetch the record again
    stream --record .hea | half | 66 | FOLDER/mitdb-208.dat: the signal file is not there; fetch the record again, or give the file the name that the header states
    stream --record .csv | missing | 66 | FILE: no such file; check the path
    stream --record .csv | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --record .csv | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    stream --record .edf | missing | 66 | FILE: no such file; check the path
    stream --record .edf | empty | 65 | FILE:byte 0: the file is empty; fetch or export the file again
    stream --record .edf | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --record .edf | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    stream --record .edf | noise | 65 | FILE:byte 0: doesn't begin as an EDF or BDF file does; name a file that is one, or export it again
    stream --record .edf | page | 65 | FILE:byte 0: is shorter than the header of an EDF or BDF file; fetch or export the file again
    stream --record .edf | half | 65 | FILE:byte 244: has '' for its duration of a data record; correct the header or export the file again
    stream --profile | missing | 66 | FILE: no such profile; name a JSON file or one of: reference, pacemaker, crt-d, leadless, stm32u385, nrf54l15, programmer
    stream --profile | empty | 65 | FILE: is not JSON that can be read: Unexpected end of file during JSON parse.; compare `device-sim profiles --show pacemaker`
    stream --profile | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --profile | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    stream --profile | noise | 65 | FILE: is not JSON that can be read: Invalid value around character 0.; compare `device-sim profiles --show pacemaker`
    stream --profile | page | 65 | FILE: is not JSON that can be read: Invalid value around character 0.; compare `device-sim profiles --show pacemaker`
    stream --profile | half | 65 | FILE: is not JSON that can be read: Unexpected end of file during JSON parse.; compare `device-sim profiles --show pacemaker`
    stream --patch | missing | 66 | FILE: no such file; check the path
    stream --patch | folder | 1 | FILE: is a folder, not a file; name a file in it
    stream --patch | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    verdict --model | missing | 66 | FILE: no such file; check the path
    verdict --model | folder | 1 | FILE: is a folder, not a file; name a file in it
    verdict --model | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    faults --record | missing | 66 | FILE: no such file; check the path
    faults --record | folder | 1 | FILE: is a folder, not a file; name a file in it
    faults --record | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    merge | missing | 66 | FILE: no such file; check the path
    merge | empty | 65 | FILE:line 1: doesn't say that the file holds results of a sweep; name another file; results without such a first line must be worked out anew
    merge | folder | 1 | FILE: is a folder, not a file; name a file in it
    merge | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    merge | noise | 65 | FILE:line 1: doesn't say that the file holds results of a sweep; name another file; results without such a first line must be worked out anew
    merge | page | 65 | FILE:line 1: doesn't say that the file holds results of a sweep; name another file; results without such a first line must be worked out anew
    merge | half | 65 | FILE:line 1: doesn't say that the file holds results of a sweep; name another file; results without such a first line must be worked out anew
    profiles | missing | 66 | FILE: no such profile; name a JSON file or one of: reference, pacemaker, crt-d, leadless, stm32u385, nrf54l15, programmer
    profiles | folder | 1 | FILE: is a folder, not a file; name a file in it
    profiles | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    inspect | missing | 66 | FILE: no such file; check the path
    inspect | folder | 1 | FILE: is a folder, not a file; name a file in it
    inspect | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    evaluate | missing | 66 | FILE: no such file; check the path
    evaluate | folder | 1 | FILE: is a folder, not a file; name a file in it
    evaluate | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    evaluate checkpoint | missing | 66 | FILE: no such file; check the path
    evaluate checkpoint | folder | 1 | FILE: is a folder, not a file; name a file in it
    evaluate checkpoint | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    quantize | missing | 66 | FILE: no such file; check the path
    quantize | folder | 1 | FILE: is a folder, not a file; name a file in it
    quantize | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    import | missing | 66 | FILE: no such file; check the path
    import | folder | 1 | FILE: is a folder, not a file; name a file in it
    import | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    run --input | missing | 66 | FILE: no such file; check the path
    run --input | empty | 65 | FILE: this is not a .npy file; save it with numpy.save
    run --input | folder | 1 | FILE: is a folder, not a file; name a file in it
    run --input | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    run --input | noise | 65 | FILE: this is not a .npy file; save it with numpy.save
    run --input | page | 65 | FILE: this is not a .npy file; save it with numpy.save
    run --input | half | 65 | FILE:byte 8: the header is cut short; save it with numpy.save
    export | missing | 66 | FILE: no such file; check the path
    export | folder | 1 | FILE: is a folder, not a file; name a file in it
    export | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    explain --record | missing | 66 | FILE: no such file; check the path
    explain --record | folder | 1 | FILE: is a folder, not a file; name a file in it
    explain --record | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    cohort check | missing | 66 | FILE: no such file; check the path
    cohort check | folder | 1 | FILE: is a folder, not a file; name a file in it
    cohort check | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    train --from | missing | 66 | FILE: no such file; check the path
    train --from | folder | 1 | FILE: is a folder, not a file; name a file in it
    train --from | pipe | 1 | FILE: is a pipe or a device, not an ordinary file; save its content in a file and name that
    """
}
