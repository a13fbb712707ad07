%% A server and a client of Erlang/OTP, with its own ssl, whose logger speaks by itself.
%%
%%   erl -noshell -run mtls_peer main serve PORT CERT KEY CA ASK ALLOWED
%%   erl -noshell -run mtls_peer main call  PORT CERT KEY CA VERSION
-module(mtls_peer).
-export([main/1]).

main([What, Port | Rest]) ->
    {ok, _} = application:ensure_all_started(ssl),
    case What of
        "serve" -> serve(list_to_integer(Port), Rest);
        "call" -> call(list_to_integer(Port), Rest)
    end.

own("none", _) -> [];
own(Cert, Key) -> [{certfile, Cert}, {keyfile, Key}].

serve(Port, [Cert, Key, Ca, Ask, Allowed]) ->
    Verify = case Ask of
        "required" -> [{verify, verify_peer}, {fail_if_no_peer_cert, true}];
        _ -> [{verify, verify_none}]
    end,
    Options = own(Cert, Key) ++ Verify ++ [
        {cacertfile, Ca}, {ip, {127, 0, 0, 1}}, {active, false}, {reuseaddr, true}
    ],
    {ok, Listening} = ssl:listen(Port, Options),
    accept(Listening, Allowed).

accept(Listening, Allowed) ->
    {ok, Waiting} = ssl:transport_accept(Listening),
    case ssl:handshake(Waiting, 20000) of
        {ok, Connection} -> answer(Connection, Allowed);
        Error -> say(Error)
    end,
    logger_std_h:filesync(default), % what the logger has still to say comes before the end
    io:format("-- end~n"),
    accept(Listening, Allowed).

answer(Connection, Allowed) ->
    case ssl:recv(Connection, 0, 20000) of
        {ok, _} ->
            Status = case allowed(Connection, Allowed) of
                true -> "200 OK";
                false -> "403 Forbidden"
            end,
            ssl:send(Connection, ["HTTP/1.1 ", Status, "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]);
        Error ->
            say(Error)
    end,
    ssl:close(Connection).

allowed(_, "none") -> true;
allowed(Connection, Name) ->
    {ok, Der} = ssl:peercert(Connection),
    binary:match(Der, list_to_binary(Name)) =/= nomatch.

call(Port, [Cert, Key, Ca, Version]) ->
    Versions = case Version of
        "1.3" -> ['tlsv1.3'];
        "1.2" -> ['tlsv1.2']
    end,
    Options = own(Cert, Key) ++ [
        {verify, verify_peer}, {cacertfile, Ca}, {versions, Versions}, {active, false},
        {server_name_indication, "localhost"}
    ],
    case ssl:connect("localhost", Port, Options, 20000) of
        {ok, Connection} ->
            ssl:send(Connection, "GET / HTTP/1.0\r\n\r\n"),
            case ssl:recv(Connection, 0, 20000) of
                {ok, Answer} -> io:format("~s~n", [hd(string:split(Answer, "\r\n"))]);
                Error -> say(Error)
            end;
        Error ->
            say(Error)
    end,
    init:stop().

%% On one line, as a log has it.
say(Error) -> io:format("~0p~n", [Error]).
